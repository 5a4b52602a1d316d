import { describe, expect, it } from 'vitest'
import type { Row } from '../src/record/record.js'
import { copiedText, costTable, sweepTables } from '../src/tables/sweep-table.js'
import { textTable } from '../src/tables/text-table.js'
import { row } from './rows.js'

describe('text table', () => {
  it('aligns the first column left and the others right, whatever stands in them', () => {
    expect(textTable(['', 'TCPv4', 'µ'], [['copy MB/s', '5 ±1%', '1'], ['x'], ['y', '123456']])).toEqual([
      '            TCPv4  µ',
      '---------  ------  -',
      'copy MB/s   5 ±1%  1',
      'x',
      'y          123456',
    ])
  })

  it('refuses a row that is wider than the header', () => {
    expect(() => textTable(['a'], [['1', '2']])).toThrow(RangeError)
  })
})

/** Five rounds in which `backend` moves `rate` MB/s, and the whole machine drifts. */
function rounds(backend: Row['backend'], rate: number, over: Partial<Row> = {}): Row[] {
  return [1, 0.8, 1.2, 0.9, 1.1].map((drift, round) => row({ backend, round, bytes: Math.round(rate * drift * 1e6), seconds: 1, ...over }))
}

describe('sweep tables', () => {
  it('prints a table per level and interval, a column per transport, the gain over errqueue (recvmsg), and the copied share', () => {
    const rows = [
      ...rounds('uring', 1_100),
      ...rounds('errqueue-recvmsg', 1_000),
      ...rounds('errqueue-recvmsg', 2_000, { transport: 'udp6', zerocopySends: 1_000, copiedSends: 0 }),
    ]
    expect(sweepTables(rows)).toEqual([
      '',
      'driver level, interval 1, 65000 bytes',
      '                                       TCPv4      UDPv6',
      '---------------------  ---------------------  ---------',
      'errqueue-recvmsg MB/s              1000 ±10%  2000 ±10%',
      '  copied                                100%         0%',
      'uring MB/s                         1100 ±10%          -',
      '  gain                 +10.0% [+10.0, +10.0]          -',
      '  copied                                100%          -',
    ])
  })

  it('calls what straddles no gain no difference', () => {
    const ours = rounds('uring', 1_000).map((one, at) => ({ ...one, bytes: one.bytes * (at % 2 === 0 ? 1.02 : 0.98) }))
    expect(sweepTables([...ours, ...rounds('errqueue-recvmsg', 1_000)]).join('\n')).toContain('no difference')
  })

  it('rounds the copied share outwards', () => {
    expect(copiedText([row({ copiedSends: 99_999, zerocopySends: 1 })])).toBe('99.9%')
    expect(copiedText([row({ copiedSends: 1, zerocopySends: 99_999 })])).toBe('0.1%')
    expect(copiedText([row({ copiedSends: 0, zerocopySends: 0 })])).toBe('-')
  })

  it('prints what a path costs beyond its throughput', () => {
    const [, , line] = costTable([row()])
    expect(line).toMatch(/^driver\s+1\s+errqueue-recvmsg\s+2\.50\s+0\.50\s+2\.0\s+15\.4\s+138\.5\s+100%$/u)
  })
})
