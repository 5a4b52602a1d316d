import { setImmediate as nextTurn } from 'node:timers/promises'
import type { SentWrite, WriteOptions, ZeroCopyWriter } from '@sendzc/core'
import { BenchFailure, ExitStatus, messageOf } from '../cli/failure.js'
import { makePayload } from '../ends/payload.js'
import { type Load, type LoadTotals, STALL_TIMEOUT_MS } from './load.js'
import { writerTotals } from './writer-totals.js'

/** Writer and plan of a {@link DatagramLoad}. */
export interface DatagramLoadOptions {
  /** Closed by {@link DatagramLoad.close}. */
  writer: ZeroCopyWriter
  /** Options of the writes, taken in turn: one object for each receiver. */
  receivers: readonly WriteOptions[]
  /** Bytes of one datagram. */
  sizeBytes: number
  /** Datagrams of one write. */
  segments: number
  /** Datagrams that are written together, then awaited. */
  burst: number
}

/** Sends datagrams by one writer to its receivers in turn, from memory that nobody modifies. Its sends are datagrams. */
export class DatagramLoad implements Load {
  readonly #options: DatagramLoadOptions
  readonly #payload: Uint8Array
  readonly #pending: Promise<SentWrite>[] = []
  readonly #writesPerBurst: number
  #next = 0
  #sends = 0

  constructor(options: DatagramLoadOptions) {
    this.#options = options
    this.#payload = makePayload(options.sizeBytes * options.segments)
    this.#writesPerBurst = Math.max(1, Math.floor(options.burst / options.segments))
  }

  async run(sends: number): Promise<void> {
    const { writer, receivers, segments } = this.#options
    for (let left = sends; left > 0; left -= this.#writesPerBurst * segments) {
      for (let at = 0; at < this.#writesPerBurst; at++) {
        this.#pending[at] = writer.write(this.#payload, receivers[this.#next])
        this.#next = this.#next + 1 === receivers.length ? 0 : this.#next + 1
      }
      try {
        await Promise.all(this.#pending)
      } catch (error) {
        throw new BenchFailure(`A write failed: ${messageOf(error)}`, ExitStatus.Failed, error)
      }
      this.#sends += this.#writesPerBurst * segments
    }
  }

  async drain(): Promise<void> {
    const deadline = performance.now() + STALL_TIMEOUT_MS
    while (this.#options.writer.stats().inFlight > 0) {
      if (performance.now() > deadline) throw new BenchFailure('The kernel reports no notification.', ExitStatus.Failed)
      await nextTurn()
    }
  }

  totals(): LoadTotals {
    return writerTotals({ sends: this.#sends, bytes: this.#sends * this.#options.sizeBytes }, this.#options.writer.stats())
  }

  close(): Promise<void> {
    return this.#options.writer.close()
  }
}
