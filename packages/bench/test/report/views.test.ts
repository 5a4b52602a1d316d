import { describe, expect, it } from 'vitest'
import type { BenchRecord, LatencyQuantiles, Row } from '../../src/record/record.js'
import { IdSource } from '../../src/report/html.js'
import { latencyView } from '../../src/report/latency-view.js'
import { recordSection, VIEWS } from '../../src/report/record-section.js'
import { percentOfCopy } from '../../src/report/sizes-view.js'
import { row } from '../rows.js'
import { syntheticAncestors, syntheticLo, syntheticProfile, syntheticRecord, syntheticSizes, syntheticSweep } from './synthetic-records.js'
import { syntheticConnections, syntheticRpc } from './synthetic-times.js'

const text = (record: BenchRecord): string => recordSection(record, 'record', new IdSource()).markup

describe('sizes', () => {
  it('gives the cost of each path as percent of copying’s, beside the slides', () => {
    const rows = syntheticSizes().rows.filter((one) => one.transport === 'tcp4')
    const [errqueue, uring] = percentOfCopy(rows)
    expect([errqueue?.sender, uring?.sender]).toEqual(['errqueue-recvmsg', 'uring'])
    // CPU time of the made-up rows: (user + system * share) / (user + system).
    for (const [at, expected] of [107.6, 63.2, 36.3, 28.4, 22.1].entries()) expect(errqueue?.points[at]?.median).toBeCloseTo(expected, -1)
    const page = text(syntheticSizes())
    expect(page).toContain('Published in the slides, percent of the process’s cycles / of all cycles: 4K 41 / 79')
    expect(page).toContain('<th scope="row">1M</th><td>8</td><td>61</td>')
  })
})

describe('the interval curves', () => {
  const titles = (record: BenchRecord): string[] => text(record).match(/<title>inline, published, at [^<]+<\/title>/gu) ?? []

  it('carry the points of both tables of the paper, of their own transport, and none where an interval was not measured', () => {
    const sweep = syntheticSweep()
    const measured = (intervals: readonly number[]): BenchRecord => ({
      ...sweep,
      rows: sweep.rows.filter(
        ({ transport, level, interval }) => transport === 'tcp4' && level === 'driver' && intervals.includes(interval),
      ),
    })
    expect(titles(measured([1, 8, 32]))).toEqual([
      '<title>inline, published, at 1: +17.4 %</title>',
      '<title>inline, published, at 32: +6.0 %</title>',
    ])
    expect(titles(measured([8, 32]))).toEqual(['<title>inline, published, at 32: +6.0 %</title>'])
  })
})

describe('sources of a cost', () => {
  it('have a picture each, and name themselves', () => {
    const processor = { busyUs: 2_000, cycles: 900, allCycles: null, instructions: null, allInstructions: null, instructionsFrom: null }
    const sizes = syntheticSizes()
    const page = text({ ...sizes, rows: sizes.rows.map((one) => ({ ...one, processor })) })
    expect(page.match(/<h4 id="[^"]+">Zero-copy as percent of copying/gu)).toHaveLength(3)
    for (const source of [
      '(getrusage), not cycles',
      '(/proc/stat, in ticks), not cycles',
      'cycles of the sending process, counted by the hardware',
    ])
      expect(page).toContain(source)
    expect(text(sizes).match(/<h4 id="[^"]+">Zero-copy as percent of copying/gu)).toHaveLength(1)
  })

  it('tell instructions of the virtual clock from those of the hardware', () => {
    const counts = { busyUs: null, cycles: null, allCycles: null, instructions: 800, allInstructions: 900 }
    const sizes = syntheticSizes()
    const from = (instructionsFrom: 'perf' | 'icount'): string =>
      text({ ...sizes, rows: sizes.rows.map((one) => ({ ...one, processor: { ...counts, instructionsFrom } })) })
    for (const whose of ['the sending process', 'all CPUs']) {
      expect(from('icount')).toContain(`instructions of ${whose}, counted by QEMU’s virtual clock (-icount), not cycles`)
      expect(from('perf')).toContain(`instructions of ${whose}, counted by the hardware, not cycles`)
    }
    expect(from('icount')).not.toContain('counted by the hardware')
  })
})

describe('the other commands of the slides', () => {
  it('lo: every protocol, its gain beside the slides’, and what it counted', () => {
    const page = text(syntheticLo())
    expect(page).toContain('On TCPv4, errqueue sends 1.99 times')
    expect(page).toContain('in the slides zero-copy sent 2.35 times as much')
    expect(page).toContain('On PACKET, copy sends 263 MB/s; zero-copy was not measured there')
    expect(page).toContain('really zero-copy: 0 % copied')
    expect(page.match(/<svg role="img"|role="img"/gu)).toHaveLength(4)
  })

  it('lo and ancestors: a tab per interval where there are several, never one bar for both', () => {
    for (const record of [syntheticLo(), syntheticAncestors()]) {
      const [first] = record.rows
      const others = record.rows.map((one) => ({ ...one, interval: (first?.interval ?? 0) + 1 }))
      expect(text(record)).not.toContain('role="tab"')
      expect(text({ ...record, rows: [...record.rows, ...others] }).match(/role="tab"/gu)).toHaveLength(2)
    }
  })

  it('ancestors: each path over copy, and that nobody tells when the memory is free', () => {
    const page = text(syntheticAncestors())
    expect(page).toMatch(/vmsplice sends 1\.5\d? times .* what copy does\./u)
    expect(page).toContain('After sendfile, splice and vmsplice nobody tells when the memory may be used again.')
  })

  it('profile: the share of the kernel and the functions, without those that stand for many', () => {
    const page = text(syntheticProfile())
    expect(page).toContain('TCPv4, errqueue: 80.0 % of 1,000 samples in the kernel; most of all _raw_spin_unlock_irqrestore, 40.0 %.')
    expect(page).not.toContain('all others')
    expect(page).toContain('v8::internal::Something')
    expect(page).toContain('gup_pte_range')
  })
})

describe('ways', () => {
  const costs = (way: Partial<Row>, us: number): Row[] =>
    [0, 1, 2].map((round) => row({ ...way, round, sends: 100, bytes: 120_000, sizeBytes: 1_200, cpuUserUs: 0, cpuSystemUs: us + round }))

  it('datagrams: what each costs, over dgram.send', () => {
    const rows = [
      ...costs({ transport: 'udp4', backend: 'dgram.send', variant: 'addressed' }, 400),
      ...costs({ transport: 'udp4', backend: 'copy', variant: 'segments' }, 100),
      ...costs({ transport: 'udp6', backend: 'copy', variant: 'segments' }, 100),
    ]
    const page = text(syntheticRecord('datagrams', rows))
    expect(page).toMatch(/UDPv4, 1,200 bytes, over dgram\.send: addressed: copy: segments 0\.25\d \(0\.2\d+ to 0\.2\d+\)\./u)
    expect(page).not.toContain('UDPv6, 1,200 bytes, over')
    expect(page.match(/<svg [^>]*role="img"/gu)).toHaveLength(2)
  })

  it('files: each over the loop in C', () => {
    const rows = [
      ...costs({ backend: 'sendfile' }, 100),
      ...costs({ backend: 'copy', variant: 'writeFile' }, 120),
      ...costs({ backend: 'copy', variant: 'createReadStream' }, 900),
    ]
    const page = text(syntheticRecord('files', rows))
    expect(page).toMatch(/over sendfile\(2\) in C: pipeline\(createReadStream, socket\) 8\.9\d\d \(.*\); writeFile\(\), copy 1\.19\d \(/u)
  })

  it('pages: a bar for either kind', () => {
    const rows = [...costs({ backend: 'uring', variant: 'huge' }, 80), ...costs({ backend: 'uring', variant: 'small' }, 100)]
    const page = text(syntheticRecord('pages', rows))
    expect(page).toContain('uring, huge pages')
    expect(page).toContain('uring, small pages')
  })
})

describe('latencies', () => {
  const quantiles = (us: number): LatencyQuantiles => ({ p50Us: us, p90Us: 1.5 * us, p99Us: 2 * us, p999Us: 9 * us, maxUs: 10 * us })
  const at = (us: number, ratePerSecond: number, over: Partial<Row> = {}): Row =>
    row({
      sends: ratePerSecond,
      seconds: 1,
      latency: { ratePerSecond, begun: quantiles(1), sent: quantiles(us), released: quantiles(5 * us) },
      ...over,
    })

  it('are drawn per rate, as the median over the rounds, and told in words', () => {
    const rows = [at(10, 100), at(11, 100), at(40, 100), at(70, 800, { sends: 500 })]
    const page = text(syntheticRecord('latency', rows))
    expect(page).toContain('On TCPv4, 100 sends/s, half of the sends are sent within: errqueue 11.0 µs (99 %: 22.0 µs).')
    expect(page).toContain('On TCPv4, 100 sends/s, half of the sends are released within: errqueue 55.0 µs')
    expect(page).toContain('On TCPv4, 800 sends/s, errqueue did not keep up')
    expect(page.match(/<svg [^>]*role="img"/gu)).toHaveLength(4)
  })

  it('are not when rows have none', () => {
    expect(latencyView(syntheticSweep({ rounds: 1, intervals: [1] }), new IdSource()).markup).toBe('')
  })
})

describe('calls', () => {
  it('have the change of each threshold beside the slides’, and both kinds of a mix in the table', () => {
    const page = text(syntheticRpc())
    expect(page).toContain(
      'Small requests: 2 bytes. Time of a call, against never asking for zero-copy: errqueue always: +15.0 %; errqueue from 10K: no difference;',
    )
    expect(page).toContain('the slides have +15.0 %')
    expect(page).toContain('Large requests: 98K bytes. Time of a call, against never asking for zero-copy: errqueue always: −23.0 %;')
    expect(page.match(/<svg [^>]*role="img"/gu)).toHaveLength(3)
    // Cells that differ only in their variant stay apart where all are listed.
    expect(page).toContain('uring (mixed, always)')
    expect(page).toMatch(/<th scope="row">mixed<\/th><td class="text">uring, always<\/td>/u)
  })
})

describe('connections', () => {
  it('have a curve per path, and how much more a send costs at the most of them', () => {
    const page = text(syntheticConnections())
    expect(page).toContain(
      'On TCPv4, CPU time of a send at 10,000 connections, over that at 1: errqueue 1.80 times, uring 1.80 times and copy 1.80 times.',
    )
    expect(page).toContain('getrusage')
    expect(page.match(/<svg [^>]*role="img"/gu)).toHaveLength(2)
  })
})

describe('a view', () => {
  it('exists for every command that leaves a record', () => {
    const commands = [
      'sweep',
      'paper',
      'sizes',
      'lo',
      'profile',
      'rpc',
      'ancestors',
      'connections',
      'latency',
      'peers',
      'datagrams',
      'files',
      'pages',
    ]
    expect(Object.keys(VIEWS).sort()).toEqual(commands.sort())
  })
})

describe('a record', () => {
  it('with several sizes has a part for each, never one picture for both', () => {
    const sweep = syntheticSweep({ rounds: 2, intervals: [1], backends: ['errqueue-recvmsg', 'uring'] })
    const other = sweep.rows.map((one) => ({ ...one, sizeBytes: 1_000 }))
    const page = text({ ...sweep, rows: [...sweep.rows, ...other] })
    expect(page.match(/bytes a send<\/p>/gu)).toHaveLength(2)
  })

  it('of one interval and one path, or of none, is drawn as far as it goes', () => {
    expect(text(syntheticSweep({ rounds: 1, intervals: [1], backends: ['uring'] }))).toContain('errqueue, the baseline, was not measured')
    expect(text(syntheticRecord('sweep', []))).toContain('This record has no rows.')
  })

  it('shows its machine and its probes', () => {
    const page = text(syntheticSweep({ rounds: 1, intervals: [1] }))
    for (const fact of ['6.12.0-synthetic #1 SMP', '4.0 GiB', 'v20.19.0', 'boot the kernel of kernel/', 'opcode: ok', 'option rounds'])
      expect(page).toContain(fact)
  })
})
