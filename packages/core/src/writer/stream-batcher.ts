import { MessageFlag, type SendBatch } from '../driver/driver.js'
import type { MessageTable } from './message-table.js'
import { addPiece, MAX_COPIED_BYTES_PER_BATCH } from './mixed-pieces.js'
import type { CopyCause, PendingWrite } from './pending-write.js'
import type { WriteQueue } from './write-queue.js'
import type { ZerocopyPolicy } from './zerocopy-policy.js'

/**
 * Cuts the queue of a stream into messages. The queue moves on only when the kernel has answered how many bytes it took ({@link advance}),
 * so that a short, failed or canceled message needs no undoing: its bytes are still the next bytes of the queue.
 *
 * Adjoining writes share a message, and so one notification, while all of them are to be copied or all of them ask for zero-copy: a small
 * header and a large body keep their own ways. Within one write they share a message: its small pieces are copied, beside the shared large
 * pieces. Writes that ask for zero-copy, but together stay below the smallest message that does, are
 * copied together.
 */
export class StreamBatcher {
  readonly #table: MessageTable
  readonly #policy: ZerocopyPolicy
  readonly #maxSegments: number
  readonly #maxJoinedBytes: number
  /** Whether the current message consists of writes that are too small together, and the first write behind them. */
  #isSmall = false
  #smallEnd: PendingWrite | undefined

  /**
   * @param maxSegments - limit of one message, in segments
   * @param maxJoinedBytes - limit of joined writes, in bytes; a larger write is a message of its own
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
   * Memory that its owner transferred away ends the batch: the following bytes must not leave in its place.
   * @returns false where the first bytes of the queue were transferred away, so that the batch is empty
   */
  fill(batch: SendBatch, queue: WriteQueue): boolean {
    let write = queue.first
    let segment = write?.segmentIndex ?? 0
    let offset = write?.segmentOffset ?? 0
    let copiedBytes = 0
    for (;;) {
      // Empty writes have no bytes to send: `advance` completes them when they come first.
      while (write !== undefined && write.bytes === 0 && write.turn === undefined) write = write.next
      const limit = Math.min(this.#maxSegments, batch.maxSegments - batch.segmentCount)
      if (write === undefined || write.turn !== undefined) return true
      if (
        limit === 0 ||
        copiedBytes >= MAX_COPIED_BYTES_PER_BATCH ||
        this.#table.freeCount === 0 ||
        batch.messageCount === batch.maxMessages
      )
        return true
      if (isGone(write, segment, offset)) return batch.messageCount > 0
      const cause = this.#messageCause(write, limit)
      const token = this.#table.take(cause)
      this.#policy.messageMade(cause)
      let segments = 0
      let bytes = 0
      while (write !== undefined && write.turn === undefined && segments < limit) {
        if (bytes > 0 && write.bytes > 0 && (bytes + write.bytes > this.#maxJoinedBytes || !this.#joins(write, limit, cause))) break
        const before = bytes
        const minPieceBytes = cause === null ? this.#policy.minPieceBytes(write) : 0
        while (segment < write.segmentCount && segments < limit && copiedBytes < MAX_COPIED_BYTES_PER_BATCH) {
          if (isGone(write, segment, offset)) break
          const isLarge = minPieceBytes === 0 || write.segment(segment).length >= minPieceBytes
          segment = addPiece(batch, write, segment, offset, minPieceBytes)
          const added = batch.lastSegmentBytes
          segments++
          bytes += added
          if (!isLarge) copiedBytes += added
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

  /** The cause to copy the message that begins with `first`, or null. */
  #messageCause(first: PendingWrite, maxSegments: number): CopyCause {
    const cause = this.#policy.causeToCopy(first)
    const { minMessageBytes } = this.#policy
    this.#isSmall = false
    // The rest of a large write goes on as the write began, however small the rest is: a write has one outcome.
    if (cause !== null || first.bytes >= minMessageBytes) return cause
    let bytes = first.bytes - first.sentBytes
    let segments = first.segmentCount
    let write = first.next
    for (; write !== undefined && write.turn === undefined && bytes < minMessageBytes; write = write.next) {
      segments += write.segmentCount
      if (segments > maxSegments || bytes + write.bytes > this.#maxJoinedBytes) break
      if (write.bytes > 0 && this.#policy.causeToCopy(write) !== null) break
      bytes += write.bytes
    }
    if (bytes >= minMessageBytes) return null
    this.#isSmall = true
    this.#smallEnd = write
    return 'threshold'
  }

  /** Whether `write` joins the message that is being made. */
  #joins(write: PendingWrite, maxSegments: number, cause: CopyCause): boolean {
    if (this.#isSmall && write !== this.#smallEnd) return true
    this.#isSmall = false
    const own = this.#policy.causeToCopy(write)
    if (own === cause) return true
    return cause === 'threshold' && own === null && this.#messageCause(write, maxSegments) === cause
  }

  /** The kernel took the next `bytes` of the queue: completes the writes that are wholly sent. */
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

/** Whether the owner transferred away a segment that is to be sent from `offset` on: every other segment has bytes there. */
function isGone(write: PendingWrite, segment: number, offset: number): boolean {
  // Compiled code reads `length` in place; `byteLength` is a call.
  return write.segment(segment).length <= offset
}

function moveCursor(write: PendingWrite, bytes: number): void {
  // Adds without a look at the memory: its length is 0 once its owner has transferred it away too early.
  if (write.segmentCount === 1) {
    write.segmentOffset += bytes
    return
  }
  let left = bytes
  while (left > 0) {
    const rest = write.segment(write.segmentIndex).length - write.segmentOffset
    // A transferred segment has lost its length, so the cursor can't pass it: `fill` finds that segment gone.
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
