import { describe, expect, it } from 'vitest'
import { selftestFrames, suiteTotals } from '../src/selftest-frames.js'
import { addOutcomes, parseTap } from '../src/tap.js'

function counts(output: string, status: number): string {
  const { passed, failed, skipped } = parseTap('t', output, status)
  return `${passed}/${failed}/${skipped}`
}

describe('parseTap', () => {
  it('counts results', () => {
    const output = 'TAP version 13\n1..4\n# text\nok 1 a\nnot ok 2 b\nok 3 c # SKIP no device\nok 4 # XFAIL known\n'
    expect(counts(output, 1)).toBe('2/1/1')
    expect(parseTap('t', output, 1).remarks).toEqual(['t: not ok 2 b', 't: ok 3 c # SKIP no device'])
  })

  it('counts an expected failure and a to-do as passed', () => {
    expect(counts('1..2\nnot ok 1 a # TODO later\nnot ok 2 b # XFAIL\n', 0)).toBe('2/0/0')
  })

  it('does not count what is indented', () => {
    expect(counts('1..1\n    1..2\n    ok 1\n    not ok 2\nok 1 both\n', 0)).toBe('1/0/0')
  })

  it('takes a plan at the end and lines with a carriage return', () => {
    expect(counts('ok 1\r\nok 2\r\n1..2\r\n', 0)).toBe('2/0/0')
  })

  it('counts a skipped program, by its plan or its status', () => {
    expect(counts('1..0 # SKIP no IPv6\n', 4)).toBe('0/0/1')
    expect(counts('', 4)).toBe('0/0/1')
    expect(counts('1..1\nok 1 # SKIP no IPv6\n', 4)).toBe('0/0/1')
  })

  it.each([
    ['a crash after good results', '1..2\nok 1\nok 2\n', 139, '2/1/0'],
    ['results that are missing', '1..3\nok 1\n', 0, '1/1/0'],
    ['results too many', '1..1\nok 1\nok 2\n', 0, '2/1/0'],
    ['no result', 'hello\n', 0, '0/1/0'],
    ['a time limit', '1..2\nok 1\n', 124, '1/1/0'],
    ['a bail out', '1..2\nok 1\nBail out! no memory\n', 1, '1/1/0'],
  ])('does not let %s pass', (_what, output, status, expected) => {
    const outcome = parseTap('t', output, status)
    expect(outcome.failed).toBeGreaterThan(0)
    expect(counts(output, status)).toBe(expected)
    expect(outcome.remarks.length).toBeGreaterThan(0)
  })

  it('adds up', () => {
    const sum = addOutcomes([parseTap('a', 'ok 1\n', 0), parseTap('b', 'not ok 1\n', 1), parseTap('c', '', 4)])
    expect(sum).toMatchObject({ passed: 1, failed: 1, skipped: 1 })
    expect(sum.remarks).toHaveLength(2)
  })
})

describe('selftestFrames', () => {
  it('splits programs, and shows the one that never ended', () => {
    const text = 'sendzc selftest begin a\nok 1\n\nsendzc selftest end a 0\nsendzc selftest begin b.sh\nok 1\n'
    expect(selftestFrames(text)).toEqual([
      { name: 'a', output: 'ok 1\n', status: 0 },
      { name: 'b.sh', output: 'ok 1\n', status: undefined },
    ])
  })
})

describe('suiteTotals', () => {
  it('reads the last totals', () => {
    expect(suiteTotals('1 passed, 2 failed\nx\n10 passed, 0 failed, 3 skipped\n')).toEqual({ passed: 10, failed: 0, skipped: 3 })
    expect(suiteTotals('all 10 passed, 0 failed\n')).toBeUndefined()
  })
})
