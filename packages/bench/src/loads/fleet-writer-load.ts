import type { ReleaseOutcome, SentWrite, WriterStats, ZeroCopyWriter } from '@sendzc/core'
import { BenchFailure, ExitStatus, messageOf } from '../cli/failure.js'
import { FLEET_BURST, FLEET_IN_FLIGHT } from './fleet-driver-load.js'
import { type Load, type LoadTotals, STALL_TIMEOUT_MS } from './load.js'
import { summed } from './message-tally.js'

/**
 * Many writers on one event loop, served in turn, one write each. All send the same memory, which nobody modifies: a buffer per
 * connection would measure the caches instead of the path.
 */
export class FleetWriterLoad implements Load {
  readonly #writers: ZeroCopyWriter[] = []
  readonly #payload: Uint8Array
  /** The releases that each writer still owes, oldest first. */
  readonly #owed: Promise<ReleaseOutcome>[][] = []
  #next = 0
  #sends = 0
  #bytes = 0

  /** @param payload - of every write; never modified */
  constructor(payload: Uint8Array) {
    this.#payload = payload
  }

  /** Takes in a connection: its writer is closed by {@link close}. */
  add(writer: ZeroCopyWriter): void {
    this.#writers.push(writer)
    this.#owed.push([])
  }

  async run(sends: number): Promise<void> {
    const watchdog = setTimeout(() => {
      const stalled = new BenchFailure(`No progress for ${STALL_TIMEOUT_MS / 1_000} s.`, ExitStatus.Failed)
      for (const writer of this.#writers) void writer.abort(stalled)
    }, STALL_TIMEOUT_MS)
    try {
      for (let left = sends; left > 0; ) left -= await this.#writeSome()
    } catch (error) {
      throw error instanceof BenchFailure ? error : new BenchFailure(`A write failed: ${messageOf(error)}`, ExitStatus.Failed, error)
    } finally {
      clearTimeout(watchdog)
    }
  }

  async drain(): Promise<void> {
    for (const owed of this.#owed) {
      await Promise.all(owed)
      owed.length = 0
    }
  }

  totals(): LoadTotals {
    const stats = this.#writers.map((writer) => writer.stats())
    const sum = (of: (one: WriterStats) => number): number => stats.reduce((total, one) => total + of(one), 0)
    return {
      sends: this.#sends,
      bytes: this.#bytes,
      messages: sum((one) => one.sends),
      zerocopySends: sum((one) => one.zerocopySends),
      copiedSends: sum((one) => one.copiedSends),
      partialSends: 0,
      fullSockets: 0,
      noBuffers: sum((one) => one.copies.limit),
      driver: summed(stats.map(({ driver }) => driver)),
    }
  }

  async close(): Promise<void> {
    await Promise.all(this.#writers.map((writer) => writer.close()))
  }

  /** One write to each of the next writers, all awaited together. */
  async #writeSome(): Promise<number> {
    const count = Math.min(FLEET_BURST, this.#writers.length)
    const first = this.#next
    // All waiting is done before the first write: the rejection of a write that failed meanwhile would be unhandled.
    for (let i = 0; i < count; i++) await this.#makeRoom((first + i) % this.#writers.length)
    const pending: Promise<SentWrite>[] = []
    for (let i = 0; i < count; i++) pending.push((this.#writers[(first + i) % this.#writers.length] as ZeroCopyWriter).write(this.#payload))
    const sent = await Promise.all(pending)
    for (const [i, { bytes, released }] of sent.entries()) {
      this.#bytes += bytes
      this.#owed[(first + i) % this.#writers.length]?.push(released)
    }
    this.#sends += count
    this.#next = (first + count) % this.#writers.length
    return count
  }

  async #makeRoom(at: number): Promise<void> {
    const owed = this.#owed[at]
    if (owed !== undefined && owed.length >= FLEET_IN_FLIGHT) await owed.shift()
  }
}
