import { existsSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import { ProcessorMeter } from '../src/machine/processor-meter.js'
import type { Row } from '../src/record/record.js'
import { readRecord } from '../src/record/record-file.js'
import { autoResults, autoTable } from '../src/tables/auto-table.js'
import { registeredTable } from '../src/tables/registered-table.js'
import { costRatio, MEASURES, measuresOf, sizesTables } from '../src/tables/sizes-table.js'
import { blame, inFolderOfItsOwn, run } from './bench-run.js'
import { row } from './rows.js'

const TIMEOUT_MS = 120_000
inFolderOfItsOwn()

/** Three rounds of one path at 16K, of which 1,000 bytes cost `us` microseconds. */
function rounds(backend: Row['backend'], us: number, over: Partial<Row> = {}): Row[] {
  return [0, 1, 2].map((round) =>
    row({ backend, round, sizeBytes: 16_384, bytes: 1_000_000, cpuUserUs: 0, cpuSystemUs: us * 1_000, ...over }),
  )
}

it('registered memory is shown as percent of uring in the same rounds, and only beside it', () => {
  const fixed = rounds('uring-fixed', 30, { level: 'writer' })
  const lines = registeredTable([...rounds('uring', 40, { level: 'writer' }), ...fixed, ...rounds('copy', 10, { level: 'writer' })])
  expect(lines.at(-1)).toMatch(/^TCPv4 +writer +\d+ +16384 .* 75 \[75, 75\]$/u)
  expect(lines).toHaveLength(5)
  expect(registeredTable(fixed)).toEqual([])
})

describe('bench sizes, end to end', { timeout: TIMEOUT_MS }, () => {
  it('prints what each path costs as percent of copy, beside the slides, and records where the figures come from', async () => {
    const args = ['--backends', 'copy,errqueue-recvmmsg,auto', '--sizes', '4K,64K', '--rounds', '2', '--runtime-ms', '40']
    const outcome = await run(['sizes', ...args, '--seed', '5', '--json', 'record.json'])
    expect(outcome).toMatchObject({ status: 0 })
    expect(outcome.stdout).toContain('TCPv4, driver level, interval 8')
    expect(outcome.stdout).toMatch(/^ *65536 {2}errqueue-recvmmsg .* 11 .* 64 .*%$/mu)
    expect(outcome.stdout).toContain('auto beside the fixed path')
    const { command, rows, options } = await readRecord('record.json')
    expect([command, options.sizes]).toEqual(['sizes', [4_096, 65_536]])
    expect(rows).toHaveLength(2 * 2 * (2 + 3))
    for (const { processor } of rows) {
      expect(processor?.busyUs).toBeGreaterThanOrEqual(0)
      // Counted by the hardware or not at all.
      if (processor?.cycles === null) expect(outcome.stdout).toContain('Not counted here: cycles of the process')
      else expect(processor?.cycles).toBeGreaterThan(0)
    }
    expect(await readdir('.')).toEqual(['record.json'])
  })

  it('sends from registered memory where that path is named, and shows it beside uring', async () => {
    const args = ['--backends', 'uring,uring-fixed', '--sizes', '64K', '--rounds', '2', '--runtime-ms', '40']
    const outcome = await run(['sizes', ...args, '--json', 'record.json'])
    expect(outcome).toMatchObject({ status: 0 })
    expect(outcome.stdout).toMatch(/uring-fixed beside uring[\s\S]*^TCPv4 +driver +8 +65536 .*\n^TCPv4 +writer +8 +65536 /mu)
    const { rows } = await readRecord('record.json')
    expect(rows.map(({ backend }) => backend).sort()).toEqual([...Array(4).fill('uring'), ...Array(4).fill('uring-fixed')])
    for (const { sends } of rows) expect(sends).toBeGreaterThan(0)
  })

  it('leaves out what no datagram carries, and says so', async () => {
    const args = [
      '--transports',
      'udp4',
      '--backends',
      'copy',
      '--sizes',
      '4K,64K',
      '--levels',
      'driver',
      '--rounds',
      '1',
      '--runtime-ms',
      '10',
    ]
    const outcome = await run(['sizes', ...args, '--json', 'record.json'])
    expect(outcome.stdout).toContain('Left out: udp4 at 65536 bytes, since one datagram carries at most 65507.')
    expect((await readRecord('record.json')).rows.map(({ sizeBytes }) => sizeBytes)).toEqual([4_096])
  })

  it.each([
    [['--transports', 'udp4', '--sizes', '64K'], 'There is nothing to measure. Left out: udp4'],
    [['--backends', 'auto', '--levels', 'driver'], 'auto has no driver level'],
    [['--sizes', '4K,1G'], '--sizes: "1G" is not a whole number'],
  ])('says in one line what it cannot do: %j', async (args, expected) => {
    const outcome = await run(['sizes', ...args, '--json', 'record.json'])
    expect(outcome.status).toBe(2)
    expect(blame(outcome)).toContain(expected)
    expect(existsSync('record.json')).toBe(false)
  })
})

describe('the tables of sizes', () => {
  it('give the percentage of copy with its interval, the slides’ beside it, and the copied share', () => {
    const rows = [...rounds('copy', 10), ...rounds('uring', 4), ...rounds('errqueue-recvmsg', 10)]
    const lines = sizesTables(rows)
    expect(lines.find((line) => line.includes('uring'))).toMatch(/ 4000 +40 \[40, 40\] +18 +100%$/u)
    expect(lines.find((line) => line.includes('errqueue-recvmsg'))).toContain('no difference')
  })

  it('have the columns of the sources that told something, and no others', () => {
    const processor = {
      busyUs: 5_000,
      cycles: 7_000,
      allCycles: null,
      instructions: 9_000,
      allInstructions: null,
      instructionsFrom: 'icount' as const,
    }
    const titles = (rows: Row[]): string[] => measuresOf(rows).map(({ title }) => title)
    expect(titles(rounds('copy', 1))).toEqual(['CPU ns/KB'])
    const ours = ['CPU ns/KB', 'all CPUs ns/KB', 'cycles/KB']
    expect(titles(rounds('copy', 1, { processor }))).toEqual([...ours, 'instructions/KB (icount)'])
    const counted = { ...processor, instructionsFrom: 'perf' as const }
    expect(titles(rounds('copy', 1, { processor: counted }))).toEqual([...ours, 'instructions/KB (perf)'])
    const cycles = MEASURES.find(({ title }) => title === 'cycles/KB')
    expect(cycles?.of(rounds('copy', 1, { processor })[0] as Row)).toBe(7)
  })

  it('pair by round: what slows a round down falls out', () => {
    const drift = (rows: Row[]): Row[] => rows.map((one) => ({ ...one, cpuSystemUs: (one.cpuSystemUs ?? 0) * (1 + one.round) }))
    const ratio = costRatio(drift(rounds('uring', 6)), drift(rounds('copy', 10)), MEASURES[0] as (typeof MEASURES)[number])
    expect(ratio).toMatchObject({ median: 0.6, low: 0.6, high: 0.6 })
  })
})

describe('auto', () => {
  const speed = (backend: Row['backend'], megabytes: number): Row[] =>
    [0, 1, 2].map((round) => row({ backend, level: 'writer', round, bytes: megabytes * 1e6, seconds: 1 }))

  it('is held against the fastest fixed path of the same cell', () => {
    const [met] = autoResults([...speed('auto', 960), ...speed('copy', 1_000), ...speed('uring', 500)])
    expect(met).toMatchObject({ best: 'copy', ratio: { median: 0.96 } })
    expect(autoTable([...speed('auto', 940), ...speed('copy', 1_000)]).at(-1)).toMatch(/0\.940 \[0\.940, 0\.940\] {2}MISSED/u)
    expect(autoTable(speed('copy', 1_000))).toEqual([])
  })
})

describe('the processor meter', () => {
  it('tells the time that all CPUs are busy', () => {
    using meter = new ProcessorMeter()
    meter.start()
    const before = process.cpuUsage()
    for (let used = 0; used < 100_000; ) {
      const { user, system } = process.cpuUsage(before)
      used = user + system
    }
    expect(meter.stop(100_000).busyUs).toBeGreaterThanOrEqual(50_000)
  })

  it('takes instructions from the virtual clock only where one instruction is one nanosecond', () => {
    using ordinary = new ProcessorMeter('throughput')
    ordinary.start()
    expect(ordinary.stop(7).instructionsFrom).not.toBe('icount')
  })
})
