import { type Driver, Release, type ReleaseKind } from '../driver/driver.js'
import type { WriterStats } from '../writer.js'
import { clock } from './clock.js'
import { type MessageRecord, type MessageTable, NOT_TIMED } from './message-table.js'
import type { CopyCause } from './pending-write.js'
import type { WriteQueue } from './write-queue.js'

/** Buckets of the latency histogram: the last one holds everything from 2^30 microseconds (18 minutes). */
const LATENCY_BUCKETS = 32
const MAX_LATENCY_US = 2 ** (LATENCY_BUCKETS - 1) - 1

/** Counters of one writer. */
export class WriterStatistics {
  writes = 0
  acceptedBytes = 0
  sends = 0
  bytesSent = 0
  fileBytes = 0
  zerocopySends = 0
  abandonedBytes = 0
  readonly #copies: Record<Exclude<CopyCause, null> | 'kernel', number> = { kernel: 0, threshold: 0, limit: 0, demoted: 0, backend: 0 }
  readonly #latency = new Array<number>(LATENCY_BUCKETS).fill(0)

  writeAccepted(bytes: number): void {
    this.writes++
    this.acceptedBytes += bytes
  }

  messageSent(bytes: number): void {
    this.sends++
    this.bytesSent += bytes
  }

  fileSent(bytes: number): void {
    this.bytesSent += bytes
    this.fileBytes += bytes
  }

  /** Counts a message that was sent and is now released. */
  messageReleased(record: MessageRecord, release: ReleaseKind): void {
    if (record.cause !== null) {
      this.#copies[record.cause]++
      return
    }
    if (release === Release.None) {
      // The message has no notification of its own: the driver copied.
      this.#copies.backend++
      return
    }
    if (release === Release.Zerocopy) this.zerocopySends++
    else this.#copies.kernel++
    if (record.submittedAtMs === NOT_TIMED) return
    const us = Math.min(MAX_LATENCY_US, (clock.now() - record.submittedAtMs) * 1_000)
    // Bits of the whole number: 0 for less than one, then one more for each power of two.
    const bucket = 32 - Math.clz32(us)
    this.#latency[bucket] = (this.#latency[bucket] as number) + 1
  }

  /** @param unanswered - messages that have left the queue, and still wait for their answer */
  snapshot(driver: Driver, queue: WriteQueue, table: MessageTable, unanswered = { messages: 0, bytes: 0 }): WriterStats {
    const copies = { ...this.#copies }
    return {
      backend: driver.backend,
      writes: this.writes,
      sends: this.sends,
      bytesSent: this.bytesSent,
      fileBytes: this.fileBytes,
      zerocopySends: this.zerocopySends,
      copiedSends: copies.kernel + copies.threshold + copies.limit + copies.demoted + copies.backend,
      copies,
      queuedWrites: queue.length + unanswered.messages,
      queuedBytes: queue.unsentBytes + unanswered.bytes,
      inFlight: table.inFlight,
      bytesInFlight: table.inFlightBytes,
      abandonedBytes: this.abandonedBytes,
      releaseLatencyUs: [...this.#latency],
      driver: driver.counters(),
    }
  }
}
