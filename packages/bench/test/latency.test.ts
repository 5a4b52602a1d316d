import { existsSync } from 'node:fs'
import { startReceiver } from '@sendzc/socket'
import { describe, expect, it } from 'vitest'
import type { BackendLabel } from '../src/cells/cell.js'
import { connectTo } from '../src/ends/connect.js'
import { makePayload } from '../src/ends/payload.js'
import { socketSettings } from '../src/ends/socket-settings.js'
import type { LoadTotals } from '../src/loads/load.js'
import { latencyQuantiles, type OpenLoopPath, type OpenLoopSink, runOpenLoop } from '../src/loads/open-loop.js'
import { DriverOpenLoop } from '../src/loads/open-loop-driver.js'
import { backendFor } from '../src/machine/backends.js'
import type { LatencyQuantiles } from '../src/record/record.js'
import { readRecord } from '../src/record/record-file.js'
import { latencyTables } from '../src/tables/latency-table.js'
import { blame, inFolderOfItsOwn, run } from './bench-run.js'
import { row } from './rows.js'

const TIMEOUT_MS = 120_000
inFolderOfItsOwn()

/** A path that is done at once, but for one send that holds everything up. */
class StallingPath implements OpenLoopPath {
  readonly #sink: OpenLoopSink
  readonly #stallAt: number
  readonly #stallMs: number

  constructor(sink: OpenLoopSink, stallAt: number, stallMs: number) {
    this.#sink = sink
    this.#stallAt = stallAt
    this.#stallMs = stallMs
  }

  begin(send: number): void {
    if (send === this.#stallAt) for (const end = performance.now() + this.#stallMs; performance.now() < end; );
    this.#sink.sent(send)
    this.#sink.released(send)
  }

  turn(): void {}

  totals(): LoadTotals {
    throw new Error('not asked for')
  }

  close(): Promise<void> {
    return Promise.resolve()
  }
}

describe('an open loop', { timeout: TIMEOUT_MS }, () => {
  it('counts a stall for every send that it held up, not for one', async () => {
    const { times } = await runOpenLoop((sink) => Promise.resolve(new StallingPath(sink, 500, 100)), 2_000, 10_000)
    const late = [...times.sentMs].filter((at, send) => at - (times.intendedMs[send] as number) > 10)
    // 100 ms at 10,000 a second are 1,000 sends, of which the last 10 ms wait less than that.
    expect(late.length).toBeGreaterThanOrEqual(850)
    expect(latencyQuantiles(times.intendedMs, times.sentMs).p99Us).toBeGreaterThan(80_000)
    for (const [send, at] of times.begunMs.entries()) expect(at).toBeGreaterThanOrEqual(times.intendedMs[send] as number)
  })

  it('keeps to its rate', async () => {
    const { times } = await runOpenLoop((sink) => Promise.resolve(new StallingPath(sink, -1, 0)), 1_000, 10_000)
    const lengthMs = (times.sentMs[999] as number) - (times.intendedMs[0] as number)
    expect(lengthMs).toBeGreaterThanOrEqual(99.9)
  })

  it.each<BackendLabel>(['copy', 'errqueue-recvmsg', 'uring'])('gets every byte to a peer that stalled: %s', async (label) => {
    const settings = await socketSettings()
    await using receiver = await startReceiver({ protocol: 'tcp', family: 4 })
    await receiver.pause()
    using socket = await connectTo('tcp4', receiver, settings, true)
    const [sends, size] = [1_000, 65_000]
    let resuming: Promise<unknown> | undefined
    let sentByThen = 0
    const { path } = await runOpenLoop(
      async (sink) => {
        const driver = new DriverOpenLoop({ backend: backendFor(label, 1), fd: socket.fd, payload: makePayload(size), sends, sink })
        return {
          begin: (send: number) => {
            driver.begin(send)
            if (send !== sends - 1) return
            // The schedule is over: by then the socket has long been full.
            sentByThen = driver.totals().sends
            resuming = receiver.resume()
          },
          turn: () => driver.turn(),
          totals: () => driver.totals(),
          close: () => driver.close(),
        }
      },
      sends,
      20_000,
    )
    await resuming
    const totals = path.totals()
    await path.close()
    expect(totals).toMatchObject({ sends, bytes: sends * size })
    expect(sentByThen).toBeLessThan(sends)
    expect((await receiver.waitFor({ bytes: sends * size })).bytes).toBe(sends * size)
  })
})

describe('bench latency, end to end', { timeout: TIMEOUT_MS }, () => {
  const short = ['--rounds', '2', '--runtime-ms', '100', '--rates', '10000', '--json', 'record.json']

  it('prints p50, p99 and p99.9 of every path, and records them', async () => {
    const outcome = await run(['latency', '--backends', 'copy,errqueue-recvmmsg,auto', '--levels', 'driver,writer', ...short])
    expect(outcome).toMatchObject({ status: 0 })
    expect(outcome.stdout).toContain('TCPv4, driver level, interval 1, 10000 sends/s of 16384 bytes')
    expect(outcome.stdout).toMatch(/^errqueue-recvmmsg .* 100%$/mu)
    const { rows } = await readRecord('record.json')
    expect(rows).toHaveLength((2 + 3) * 2)
    for (const { sends, cpuUserUs, latency } of rows) {
      expect([sends, cpuUserUs]).toEqual([1_000, null])
      const { begun, sent, released } = latency as NonNullable<typeof latency>
      expect(sent.p50Us).toBeGreaterThan(begun.p50Us)
      expect(released.p50Us).toBeGreaterThanOrEqual(sent.p50Us)
      for (const { p50Us, p90Us, p99Us, p999Us, maxUs } of [sent, released])
        expect([p50Us, p90Us, p99Us, p999Us, maxUs]).toEqual([p50Us, p90Us, p99Us, p999Us, maxUs].sort((a, b) => a - b))
    }
  })

  it.each([
    [['--rates', '10', '--runtime-ms', '1000'], '--rates: 10/s for 1000 ms are 10 sends; p99.9 takes 1000'],
    [['--rates', '100000', '--runtime-ms', '1000'], 'at most 65536 fit one row'],
    [['--transports', 'udp4', '--size', '65600'], 'do not fit one udp4 datagram'],
    [['--backends', 'auto', '--levels', 'driver'], 'auto has no driver level'],
  ])('says in one line what it cannot do: %j', async (args, expected) => {
    const outcome = await run(['latency', ...args, '--json', 'record.json'])
    expect(outcome.status).toBe(2)
    expect(blame(outcome)).toContain(expected)
    expect(existsSync('record.json')).toBe(false)
  })
})

describe('the table of latency', () => {
  it('has a part per rate, and marks a path that did not keep up', () => {
    const quantiles = (us: number): LatencyQuantiles => ({ p50Us: us, p90Us: us, p99Us: us, p999Us: us, maxUs: us })
    const at = (ratePerSecond: number, sends: number) =>
      row({ sends, seconds: 1, latency: { ratePerSecond, begun: quantiles(1), sent: quantiles(7), released: quantiles(90) } })
    const lines = latencyTables([at(8_000, 4_000), at(1_000, 1_000)])
    expect(lines.filter((line) => line.startsWith('TCPv4'))).toEqual([
      expect.stringContaining('1000 sends/s'),
      expect.stringContaining('8000 sends/s'),
    ])
    expect(lines.find((line) => line.includes('overloaded'))).toMatch(/7\.0 ±0% .* 90\.0 ±0% .* 4000 \(overloaded\) .*100%$/u)
  })
})
