import { describe, expect, it } from 'vitest'
import type { Row } from '../src/record/record.js'
import { readRecord } from '../src/record/record-file.js'
import { advice, breakEvens } from '../src/tables/calibration.js'
import { blame, inFolderOfItsOwn, run } from './bench-run.js'
import { row } from './rows.js'

const TIMEOUT_MS = 120_000
inFolderOfItsOwn()

/** Rows of two rounds in which a send of so many bytes takes so many µs of CPU time. */
const measured = (over: Partial<Row>, us: number): Row[] =>
  [0, 1].map((round) =>
    row({
      level: 'writer',
      interval: 1,
      bytes: 1_000_000,
      cpuUserUs: 0,
      cpuSystemUs: us,
      copiedSends: 0,
      zerocopySends: 9,
      round,
      ...over,
    }),
  )

/** What a size costs with copy and with uring. */
const size = (sizeBytes: number, copyUs: number, uringUs: number): Row[] => [
  ...measured({ backend: 'copy', sizeBytes, copiedSends: 9, zerocopySends: 0 }, copyUs),
  ...measured({ backend: 'uring', sizeBytes }, uringUs),
]

describe('what a machine answers', () => {
  it('is the smallest size from which on sharing costs no more, whatever smaller ones cost', () => {
    const rows = [...size(4_096, 100, 99), ...size(16_384, 100, 120), ...size(32_768, 100, 100), ...size(65_536, 100, 60)]
    expect(breakEvens(rows)).toEqual([{ transport: 'tcp4', backend: 'uring', bytes: 32_768, interval: 1 }])
    expect(advice(rows).join('\n')).toContain(
      'TCPv4  openWriter(socket, { backend: uring(), minZerocopyBytes: 4096, minZerocopyMessageBytes: 32768 })',
    )
  })

  it('is copy where sharing costs more at the largest size', () => {
    const rows = [...size(4_096, 100, 99), ...size(16_384, 100, 120)]
    expect(breakEvens(rows)[0]?.bytes).toBeNull()
    expect(advice(rows).join('\n')).toContain('uring(): copy() is cheaper at every size that was measured')
  })

  it('has the shortest interval that is as cheap as any', () => {
    const at = (interval: number, us: number): Row[] =>
      measured({ backend: 'errqueue-recvmmsg', level: 'driver', sizeBytes: 65_536, interval }, us)
    const writer = [
      ...measured({ backend: 'copy', sizeBytes: 65_536, copiedSends: 9, zerocopySends: 0 }, 100),
      ...measured({ backend: 'errqueue-recvmmsg', sizeBytes: 65_536 }, 80),
    ]
    expect(breakEvens([...writer, ...at(1, 90), ...at(8, 81), ...at(32, 80)])).toMatchObject([{ interval: 8, bytes: 65_536 }])
  })

  it('is nothing where the kernel copies', () => {
    const rows = size(65_536, 100, 60).map((one) => ({ ...one, copiedSends: 9, zerocopySends: 0 }))
    expect(advice(rows).join('\n')).toContain('This says nothing of a NIC.')
    expect(advice(rows).join('\n')).not.toContain('openWriter')
  })
})

describe('bench calibrate, end to end', { timeout: TIMEOUT_MS }, () => {
  it('measures on loopback where it is told to, and gives no options then', async () => {
    const args = ['--loopback', '--sizes', '4K,128K', '--transports', 'tcp4,udp4', '--rounds', '1', '--runtime-ms', '10']
    const outcome = await run(['calibrate', ...args, '--json', 'record.json'])
    expect(outcome).toMatchObject({ status: 0 })
    expect(outcome.stdout).toMatch(/^131072 +\d/mu)
    expect(outcome.stdout).toContain('This says nothing of a NIC.')
    const { path, rows } = await readRecord('record.json')
    expect(path.kind).toBe('loopback')
    // A datagram of 128K does not exist.
    expect(rows.filter(({ transport }) => transport === 'udp4').every(({ sizeBytes }) => sizeBytes === 4_096)).toBe(true)
  })

  it('says in one line what it cannot do', async () => {
    const outcome = await run(['calibrate', '--to', 'host.invalid:9', '--json', 'record.json'])
    expect(outcome.status).toBe(2)
    expect(blame(outcome)).toContain('"host.invalid" has no address')
  })
})
