import { describe, expect, it } from 'vitest'
import type { Row } from '../src/record/record.js'
import { readRecord } from '../src/record/record-file.js'
import { datagramCells } from '../src/run/datagram-cell.js'
import { datagramBars, datagramsTable } from '../src/tables/datagrams-table.js'
import { inFolderOfItsOwn, run } from './bench-run.js'
import { row } from './rows.js'

const TIMEOUT_MS = 120_000
inFolderOfItsOwn()

/** Three rounds in which a datagram takes so many µs of CPU time. */
const measured = (backend: Row['backend'], variant: string, us: number): Row[] =>
  [1, 0.9, 1.2].map((drift, round) =>
    row({
      transport: 'udp4',
      backend,
      level: 'writer',
      variant,
      round,
      sends: 1_000,
      cpuUserUs: 0,
      cpuSystemUs: Math.round(us * drift * 1_000),
    }),
  )

describe('the table of datagrams', () => {
  it('compares the CPU time of a datagram with its bar, round by round', () => {
    const rows = [
      ...measured('dgram.send', 'addressed', 3),
      ...measured('copy', 'addressed', 1.8),
      ...measured('copy', 'segments', 0.9),
      ...measured('uring', 'segments, shared', 0.8),
      ...measured('uring', 'segments to 100, shared', 0.9),
    ]
    const bars = datagramBars(rows).slice(2)
    expect(bars.map((line) => line.replace(/ {2,}/g, ' | '))).toEqual([
      'UDPv4 | copy, segments | dgram.send, addressed | 0.300 [0.300, 0.300] | 0.25 | no',
      'UDPv4 | copy, addressed | dgram.send, addressed | 0.600 [0.600, 0.600] | 0.67 | yes',
      'UDPv4 | uring, segments to 100, shared | uring, segments, shared | 1.125 [1.125, 1.125] | 1.10 | no',
      'UDPv4 | uring, segments, shared | copy, segments | 0.889 [0.889, 0.889] | 0.92 | yes',
    ])
    expect(datagramsTable(rows).join('\n')).toMatch(/UDPv4 +copy +segments +0\.900 ±\d+% +1111111/u)
  })
})

it('memory is shared where a path is measured that shares it, and by no other', () => {
  const cells = datagramCells(['udp4'], ['copy', 'uring'], 1_200)
  expect(cells.filter(({ backend }) => backend === 'uring').map(({ variant }) => variant)).toEqual([
    'segments, shared',
    'segments to 100, shared',
  ])
  expect(cells.filter(({ backend }) => backend === 'copy').some(({ variant }) => variant.includes('shared'))).toBe(false)
})

it('bench datagrams, end to end, over loopback', { timeout: TIMEOUT_MS }, async () => {
  const args = ['--transports', 'udp4,udp6', '--rounds', '2', '--runtime-ms', '10', '--json', 'record.json']
  const outcome = await run(['datagrams', ...args])
  expect(outcome).toMatchObject({ status: 0 })
  expect(outcome.stdout).toMatch(/UDPv6 +copy, connected +dgram\.send, connected +[\d.]+ \[/u)
  const { rows } = await readRecord('record.json')
  expect(rows.filter(({ variant }) => variant === 'segments').every(({ sends, sendCalls }) => sends / (sendCalls ?? 0) >= 50)).toBe(true)
})
