import { describe, expect, test } from 'vitest'
import { DATAGRAM_HEADER_BYTES, fillDatagram, fillPattern, MAX_DATAGRAM_BYTES, POISON_BYTE, verifyPattern } from '../src/index.js'

const SEED = 9

function pattern(size: number, offset: number, seed = SEED): Uint8Array {
  const data = new Uint8Array(size)
  fillPattern(data, { seed, offset })
  return data
}

describe('fillPattern', () => {
  test('is the same stream, wherever it is cut', () => {
    const whole = pattern(10_000, 0)
    for (const at of [0, 1, 7, 8, 9, 4_095, 4_096, 9_999]) {
      expect(Buffer.compare(pattern(10_000 - at, at), whole.subarray(at))).toBe(0)
    }
  })

  test('does not repeat, and depends on the seed', () => {
    const words = new BigUint64Array(pattern(1 << 20, 0).buffer)
    expect(new Set(words).size).toBe(words.length)
    expect(Buffer.compare(pattern(64, 0, 1), pattern(64, 0, 2))).not.toBe(0)
  })

  test('reaches offsets beyond 2^32', () => {
    const far = pattern(100, 2 ** 40 + 3)
    expect(verifyPattern(far, { seed: SEED, offset: 2 ** 40 + 3 }).verifyErrors).toBe(0)
    expect(Buffer.compare(far, pattern(100, 3))).not.toBe(0)
  })

  test('rejects what is no option', () => {
    expect(() => fillPattern(new Uint8Array(1), { offset: -1 })).toThrow(expect.objectContaining({ code: 'ERR_ZC_INVALID_OPTION' }))
    expect(() => fillPattern('text' as never)).toThrow(TypeError)
  })
})

describe('verifyPattern', () => {
  test.each([0, 1, 7, 8, 15, 4_095, 4_096, 4_097, 9_999])('finds the wrong byte %i, and only that', (at) => {
    const data = pattern(10_000, 5)
    const right = data[at] ?? 0
    data[at] = right ^ 1
    expect(verifyPattern(data, { seed: SEED, offset: 5 })).toEqual({
      verifyErrors: 1,
      firstMismatch: { unit: 0, offset: at + 5, expected: right, got: right ^ 1, looksPoisoned: false },
    })
  })

  test('finds displaced content', () => {
    expect(verifyPattern(pattern(4_096, 8), { seed: SEED, offset: 0 }).verifyErrors).toBeGreaterThan(4_000)
  })

  test('tells poison', () => {
    const data = pattern(4_096, 0).fill(POISON_BYTE, 1_000, 1_200)
    expect(verifyPattern(data, { seed: SEED }).firstMismatch).toMatchObject({ looksPoisoned: true, got: POISON_BYTE })
  })
})

test('fillDatagram wants room for its header, and a size that it can number', () => {
  const refused = expect.objectContaining({ code: 'ERR_ZC_INVALID_ARGUMENT' })
  expect(() => fillDatagram(new Uint8Array(DATAGRAM_HEADER_BYTES - 1), { sequence: 0 })).toThrow(refused)
  expect(() => fillDatagram(new Uint8Array(MAX_DATAGRAM_BYTES + 1), { sequence: 0 })).toThrow(refused)
  fillDatagram(new Uint8Array(DATAGRAM_HEADER_BYTES), { sequence: 2 ** 36 })
})
