import { MessageFlag, type SendBatch } from '../driver/driver.js'
import type { MessageTable } from './message-table.js'
import type { PendingWrite } from './pending-write.js'
import type { WriteQueue } from './write-queue.js'
import type { ZerocopyPolicy } from './zerocopy-policy.js'

/**
 * Cuts the queue of a stream into messages. The queue moves on only when the kernel has said how much it took ({@link advance}),
 * so that a short, failed or canceled message needs no undoing: its bytes are still the next ones.
 *
 * Adjoining writes share a message, and so one notification, while they agree on whether to ask for zero-copy: a small
 * header that was to be copied does not drag itself, or what follows, into the other way.
 */
export class StreamBatcher {
  readonly #table: MessageTable
  readonly #policy: ZerocopyPolicy
  readonly #maxSegments: number
  readonly #maxJoinedBytes: number

  /**
   * @param maxSegments - of one message
   * @param maxJoinedBytes - up to which writes are joined; a larger write is a message of its own
   */
  constructor(table: MessageTable, policy: ZerocopyPolicy, maxSegments: number, maxJoinedBytes: number) {
    this.#table = table
    this.#policy = policy
    this.#maxSegments = maxSegments
    this.#maxJoinedBytes = maxJoinedBytes
  }

  /**
   * Fills the batch from the head of the queue; changes nothing in the queue.
   *
   * Memory that its owner transferred away ends the batch: what follows it must not leave in its place.
   * @returns false where nothing can be sent since that is so of what comes first
   */
  fill(batch: SendBatch, queue: WriteQueue): boolean {
    let write = queue.first
    let segment = write?.segmentIndex ?? 0
    let offset = write?.segmentOffset ?? 0
    for (;;) {
      // Empty writes have nothing to send: `advance` completes them when their turn comes.
      while (write !== undefined && write.bytes === 0 && write.turn === undefined) write = write.next
      const limit = Math.min(this.#maxSegments, batch.maxSegments - batch.segmentCount)
      if (write === undefined || write.turn !== undefined) return true
      if (limit === 0 || this.#table.freeCount === 0 || batch.messageCount === batch.maxMessages) return true
      if (isGone(write, segment, offset)) return batch.messageCount > 0
      const cause = this.#policy.causeToCopy(write)
      const token = this.#table.take(cause)
      this.#policy.messageMade(cause)
      let segments = 0
      let bytes = 0
      while (write !== undefined && write.turn === undefined && segments < limit) {
        if (bytes > 0 && write.bytes > 0 && (bytes + write.bytes > this.#maxJoinedBytes || this.#policy.causeToCopy(write) !== cause)) break
        const before = bytes
        while (segment < write.segmentCount && segments < limit) {
          if (isGone(write, segment, offset)) break
          const whole = write.segment(segment)
          batch.addSegment(offset === 0 ? whole : whole.subarray(offset))
          segments++
          bytes += whole.length - offset
          segment++
          offset = 0
        }
        if (bytes > before) this.#table.cover(token, write, bytes - before)
        if (segment < write.segmentCount) break
        write = write.next
        segment = 0
      }
      batch.endMessage(token, segments, cause === null ? MessageFlag.Zerocopy : 0)
    }
  }

  /** The kernel took the next `bytes` of the queue: completes what is wholly sent. */
  advance(queue: WriteQueue, bytes: number): void {
    let left = bytes
    for (let write = queue.first; write !== undefined && write.turn === undefined; write = queue.first) {
      const taken = Math.min(left, write.bytes - write.sentBytes)
      queue.firstSent(taken)
      left -= taken
      if (write.sentBytes < write.bytes) {
        moveCursor(write, taken)
        return
      }
      queue.shift()
      write.completeSent()
    }
  }
}

/** Whether the memory of a segment that was to be sent from `offset` on was transferred away: no segment is empty otherwise. */
function isGone(write: PendingWrite, segment: number, offset: number): boolean {
  // `length`, which compiled code reads in place; `byteLength` is a call.
  return write.segment(segment).length <= offset
}

function moveCursor(write: PendingWrite, bytes: number): void {
  // Not by looking at the memory: whoever transfers it away too early makes its length 0.
  if (write.segmentCount === 1) {
    write.segmentOffset += bytes
    return
  }
  let left = bytes
  while (left > 0) {
    const rest = write.segment(write.segmentIndex).length - write.segmentOffset
    // How far the bytes reach behind such a segment is not known any more: the cursor stays, where `fill` finds it gone.
    if (rest <= 0) return
    if (left < rest) {
      write.segmentOffset += left
      return
    }
    left -= rest
    write.segmentIndex++
    write.segmentOffset = 0
  }
}
