import assert from 'node:assert/strict'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { seededRandom } from '../src/testing/seeded-random.js'

/** The byte that a caller writes over a buffer as soon as it is released. The content never holds this byte. */
export const POISON = 0xee

/** Prime, so that content that moved by a page, a segment or a buffer never matches. */
const PERIOD_BYTES = 65_521

const period = makePeriod()

function makePeriod(): Uint8Array {
  const random = seededRandom(0x5eed)
  // Twice, so that one copy takes any window of it.
  const bytes = new Uint8Array(PERIOD_BYTES * 2)
  for (let at = 0; at < PERIOD_BYTES; at++) {
    const value = Math.floor(random() * POISON)
    bytes[at] = value
    bytes[at + PERIOD_BYTES] = value
  }
  return bytes
}

/** Fills `view` with the content that belongs at `position` of the stream. */
export function fillContent(view: Uint8Array, position: number): Uint8Array {
  for (let at = 0; at < view.byteLength; ) {
    const from = (position + at) % PERIOD_BYTES
    const piece = period.subarray(from, from + Math.min(PERIOD_BYTES, view.byteLength - at))
    view.set(piece, at)
    at += piece.byteLength
  }
  return view
}

/** New memory with the content that belongs at `position`. */
export function content(bytes: number, position = 0): Uint8Array {
  return fillContent(new Uint8Array(bytes), position)
}

/** Fails where `actual` differs from the content that belongs at `position`, and names the difference. */
export function assertContent(actual: Uint8Array, position: number, what: string): void {
  const expected = content(actual.byteLength, position)
  if (Buffer.compare(actual, expected) === 0) return
  const at = actual.findIndex((byte, index) => byte !== expected[index])
  const found =
    actual[at] === POISON ? 'poison (the buffer was modified after "released", and the kernel still read it)' : `byte ${actual[at]}`
  assert.fail(`${what}: ${found} at byte ${position + at}, expected byte ${expected[at]}`)
}

/** Compares the bytes that came with the expected ones. */
export function assertBytes(actual: Uint8Array, expected: Uint8Array, what: string): void {
  assert.equal(actual.byteLength, expected.byteLength, `${what}: length`)
  if (Buffer.compare(actual, expected) === 0) return
  const at = actual.findIndex((byte, index) => byte !== expected[index])
  assert.fail(`${what}: byte ${at} is ${actual[at]}, expected ${expected[at]}`)
}

// As --expose-gc does, without asking whoever runs the suite for a flag.
setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void
const garbage: Uint8Array[] = []

/** Makes memory full of poison and lets go of its earlier memory: the collector's ordinary work. */
export function makeGarbage(): void {
  for (let count = 0; count < 64; count++) garbage[count] = new Uint8Array(16_384).fill(POISON)
}

/** Collects all garbage, and so ends the work that the collector had left to the event loop. */
export function collectGarbage(): void {
  collect()
}

/** Collects all garbage, and overwrites the freed memory with poison. Slow: for the few places that need certainty. */
export function pressGarbageCollector(): void {
  collect()
  makeGarbage()
}
