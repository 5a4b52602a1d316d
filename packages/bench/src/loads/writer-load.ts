import type { ReleaseOutcome, SentWrite, ZeroCopyWriter } from '@sendzc/core'
import { BenchFailure, ExitStatus, messageOf } from '../cli/failure.js'
import { makePayloads } from '../ends/payload.js'
import { type Load, type LoadTotals, STALL_TIMEOUT_MS } from './load.js'
import { ProgressGate } from './progress-gate.js'
import { refuseAbandoned, writerTotals } from './writer-totals.js'

/**
 * Bytes that the kernel joins under one TCP notification (byte_limit of msg_zerocopy_realloc, net/core/skbuff.c). All of them are
 * released together, the last one included, which Nagle's algorithm may hold back until more is written.
 */
export const JOINED_BYTES = 524_288

/** Least number of buffers beyond the interval. */
const LEAST_SPARE_BUFFERS = 4

/**
 * Buffers beyond the interval: memory that is sent and not yet released while the next burst is written. Room for two joined
 * notifications, so that one can be waited for while the other fills (with less, TCP without TCP_NODELAY waits for delayed
 * acknowledgements); no more, since a large ring would leave the CPU's caches and measure memory instead of the path.
 */
export function spareBuffers(sizeBytes: number): number {
  return Math.max(LEAST_SPARE_BUFFERS, Math.ceil((2 * JOINED_BYTES) / sizeBytes))
}

/** Buffers of a load whose writes have memory of their own. */
export function bufferCount(interval: number, sizeBytes: number): number {
  return interval + spareBuffers(sizeBytes)
}

/** Writes in flight where all send the same memory: as at the driver level, above what a socket buffer holds. */
const SAME_PAYLOAD_IN_FLIGHT = 1_024

const STALLED = `No progress for ${STALL_TIMEOUT_MS / 1_000} s: the peer takes no bytes, or the kernel reports no notification.`

/** Writer, interval and payload of a {@link WriterLoad}. */
export interface WriterLoadOptions {
  /** Closed by {@link WriterLoad.close}. */
  writer: ZeroCopyWriter
  /** Writes outstanding: written together, then awaited. */
  interval: number
  /** Bytes of one write. */
  sizeBytes: number
  /**
   * Payload of every write: memory that nobody modifies, as in the kernel's selftest, which waits for no release. Without it (the default) each
   * write has memory of its own until it is released, as a user's data has.
   */
  payload?: Uint8Array | undefined
  /** Memory of the writes, {@link bufferCount} pieces of `sizeBytes`; made by the load by default. */
  buffers?: readonly Uint8Array[] | undefined
}

/**
 * Drives a {@link ZeroCopyWriter} the way a careful user would: `interval` writes outstanding, each from a buffer of its own
 * that is not written again before it is released.
 */
export class WriterLoad implements Load {
  readonly #writer: ZeroCopyWriter
  readonly #interval: number
  readonly #slots: Slot[]
  readonly #free: Slot[]
  readonly #releasedGate = new ProgressGate('the kernel reports no notification')
  readonly #burst: Slot[] = []
  readonly #pending: Promise<SentWrite>[] = []
  #sends = 0
  #bytes = 0
  #abandoned = 0

  constructor(options: WriterLoadOptions) {
    this.#writer = options.writer
    this.#interval = options.interval
    const { payload, interval, sizeBytes, buffers } = options
    const own = buffers ?? (payload === undefined ? makePayloads(bufferCount(interval, sizeBytes), sizeBytes) : undefined)
    const payloads = own ?? new Array<Uint8Array>(interval + SAME_PAYLOAD_IN_FLIGHT).fill(payload as Uint8Array)
    this.#slots = payloads.map((data) => this.#makeSlot(data))
    this.#free = [...this.#slots]
  }

  async run(sends: number): Promise<void> {
    // Only an abort settles the writes to a stalled peer. One timer for many sends costs nothing beside them.
    const watchdog = setTimeout(() => void this.#writer.abort(new BenchFailure(STALLED, ExitStatus.Failed)), STALL_TIMEOUT_MS)
    try {
      for (let left = sends; left > 0; left -= this.#interval) {
        if (this.#interval > 1) {
          await this.#writeBurst()
          continue
        }
        // Inline, since the promise of a function would be a cost of the harness.
        const slot = this.#free.pop() ?? (await this.#nextFree())
        this.#count(slot, await this.#writer.write(slot.data))
      }
    } catch (error) {
      throw error instanceof BenchFailure ? error : new BenchFailure(`A write failed: ${messageOf(error)}`, ExitStatus.Failed, error)
    } finally {
      clearTimeout(watchdog)
    }
  }

  async #writeBurst(): Promise<void> {
    const slots = this.#burst
    const pending = this.#pending
    // All buffers first, then all writes with no wait between them: the rejection of a write that failed meanwhile would be unhandled.
    for (let i = 0; i < this.#interval; i++) slots[i] = this.#free.pop() ?? (await this.#nextFree())
    for (let i = 0; i < this.#interval; i++) pending[i] = this.#writer.write((slots[i] as Slot).data)
    const sent = await Promise.all(pending)
    for (let i = 0; i < this.#interval; i++) this.#count(slots[i] as Slot, sent[i] as SentWrite)
  }

  #count(slot: Slot, sent: SentWrite): void {
    this.#sends++
    this.#bytes += sent.bytes
    void sent.released.then(slot.onReleased)
  }

  async drain(): Promise<void> {
    while (this.#free.length < this.#slots.length) {
      this.#releasedGate.shut()
      await this.#releasedGate.wait()
    }
  }

  totals(): LoadTotals {
    return writerTotals({ sends: this.#sends, bytes: this.#bytes }, this.#writer.stats())
  }

  async close(): Promise<void> {
    await this.#writer.close()
    refuseAbandoned(this.#abandoned)
  }

  async #nextFree(): Promise<Slot> {
    for (;;) {
      this.#releasedGate.shut()
      await this.#releasedGate.wait()
      const slot = this.#free.pop()
      if (slot !== undefined) return slot
    }
  }

  #makeSlot(data: Uint8Array): Slot {
    const slot: Slot = {
      data,
      onReleased: (outcome) => {
        // An abandoned buffer is never used again: the ring shrinks, and close() says so.
        if (outcome === 'abandoned') this.#abandoned++
        else this.#free.push(slot)
        this.#releasedGate.open()
      },
    }
    return slot
  }
}

/** One buffer of the ring, with its callback made once, so that the harness adds as little as it can. */
interface Slot {
  data: Uint8Array
  onReleased: (outcome: ReleaseOutcome) => void
}
