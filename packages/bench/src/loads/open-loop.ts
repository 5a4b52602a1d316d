import { BenchFailure, ExitStatus } from '../cli/failure.js'
import { quantile } from '../numbers/statistics.js'
import type { LatencyQuantiles } from '../record/record.js'
import { type LoadTotals, STALL_TIMEOUT_MS } from './load.js'

/**
 * Most sends of one row. A path that cannot keep up still gets every send of the schedule, so this bounds the sends that wait: it is the number that a writer
 * queues by default (`maxQueuedWrites`).
 */
export const MAX_OPEN_LOOP_SENDS = 65_536

/** Fewest sends of one row: 99.9 % of them are all but one. */
export const MIN_OPEN_LOOP_SENDS = 1_000

/** Receives the fate of each send, by its number in the schedule. */
export interface OpenLoopSink {
  /** The kernel has queued every byte of this send. */
  sent(send: number): void
  /** The kernel references no byte of it any more. */
  released(send: number): void
  /** The path is broken. */
  failed(error: Error): void
}

/** One path under an open loop: it takes every send when it is due, even while earlier ones wait. */
export interface OpenLoopPath {
  /** Hands over the next send; one that cannot be submitted now waits inside, in order. */
  begin(send: number): void
  /** Called once per turn of the event loop, after its events. */
  turn(): void
  /** Counters up to now. */
  totals(): LoadTotals
  /** Lets go of the socket, which stays the caller's. */
  close(): Promise<void>
}

/** When each send of a schedule should have begun, began, was sent and was released, in ms of `performance.now()`. */
export interface OpenLoopTimes {
  intendedMs: Float64Array
  begunMs: Float64Array
  sentMs: Float64Array
  releasedMs: Float64Array
}

/**
 * Sends at times that are fixed in advance, one every 1 / rate seconds. A send that a stall delays begins late, and its time counts from when it
 * should have begun. If its time counted from its real begin, a stall of a second would cost one slow send instead of a thousand (coordinated omission).
 *
 * Between two sends the event loop turns without pause, since no timer is exact enough: CPU time means nothing here.
 * @param open - makes the path under test, for this sink
 * @param sends - how many, up to {@link MAX_OPEN_LOOP_SENDS}
 * @param ratePerSecond - sends per second
 * @returns once every send is released, and the path, still open
 * @throws BenchFailure when the path breaks, or nothing was sent or released for {@link STALL_TIMEOUT_MS} after the last send was due
 */
export async function runOpenLoop<P extends OpenLoopPath>(
  open: (sink: OpenLoopSink) => Promise<P>,
  sends: number,
  ratePerSecond: number,
): Promise<{ times: OpenLoopTimes; path: P }> {
  const times: OpenLoopTimes = {
    intendedMs: new Float64Array(sends),
    begunMs: new Float64Array(sends),
    sentMs: new Float64Array(sends),
    releasedMs: new Float64Array(sends),
  }
  let released = 0
  let failure: Error | undefined
  let progressMs = 0
  const path = await open({
    sent: (send) => {
      progressMs = performance.now()
      times.sentMs[send] = progressMs
    },
    released: (send) => {
      progressMs = performance.now()
      times.releasedMs[send] = progressMs
      released++
    },
    failed: (error) => {
      failure ??= error
    },
  })
  const beginMs = performance.now()
  for (let send = 0; send < sends; send++) times.intendedMs[send] = beginMs + (send * 1_000) / ratePerSecond
  const lastMs = times.intendedMs[sends - 1] as number
  let next = 0
  await new Promise<void>((resolve) => {
    const turn = (): void => {
      const now = performance.now()
      // All that are due: after a stall those that it held up.
      while (next < sends && (times.intendedMs[next] as number) <= now) {
        times.begunMs[next] = performance.now()
        path.begin(next++)
      }
      path.turn()
      if (now - Math.max(progressMs, lastMs) > STALL_TIMEOUT_MS)
        failure ??= new BenchFailure(
          `No progress for ${STALL_TIMEOUT_MS / 1_000} s: the peer takes no bytes, or the kernel reports no notification.`,
          ExitStatus.Failed,
        )
      if (failure !== undefined || released === sends) resolve()
      else setImmediate(turn)
    }
    setImmediate(turn)
  })
  if (failure === undefined) return { times, path }
  await path.close()
  throw failure
}

/** Times from when each send should have begun. */
export function latencyQuantiles(intendedMs: Float64Array, eventMs: Float64Array): LatencyQuantiles {
  return latencyQuantilesOf(Array.from(eventMs, (at, send) => (at - (intendedMs[send] as number)) * 1_000))
}

/**
 * @param timesUs - microseconds, at least one; order does not matter
 */
export function latencyQuantilesOf(timesUs: readonly number[]): LatencyQuantiles {
  const sorted = [...timesUs].sort((a, b) => a - b)
  const at = (share: number): number => Math.max(0, quantile(sorted, share))
  return { p50Us: at(0.5), p90Us: at(0.9), p99Us: at(0.99), p999Us: at(0.999), maxUs: at(1) }
}
