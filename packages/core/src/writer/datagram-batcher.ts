import { MessageFlag, type SendBatch } from '../driver/driver.js'
import type { MessageTable } from './message-table.js'
import { addPiece } from './mixed-pieces.js'
import type { PendingWrite } from './pending-write.js'
import type { WriteQueue } from './write-queue.js'
import type { ZerocopyPolicy } from './zerocopy-policy.js'

/** Makes a message of each write to a datagram socket. A write leaves the queue with its message; a refused write is put back. */
export class DatagramBatcher {
  readonly #table: MessageTable
  readonly #policy: ZerocopyPolicy

  constructor(table: MessageTable, policy: ZerocopyPolicy) {
    this.#table = table
    this.#policy = policy
  }

  /**
   * Fills the batch from the head of the queue, as far as there are tokens.
   * @returns true: a datagram whose memory is gone fails by itself
   */
  fill(batch: SendBatch, queue: WriteQueue): boolean {
    for (let write = queue.first; write !== undefined; write = queue.first) {
      if (this.#table.freeCount === 0 || batch.messageCount === batch.maxMessages) return true
      if (batch.segmentCount + write.segmentCount > batch.maxSegments) return true
      queue.shift()
      const ownCause = this.#policy.causeToCopy(write)
      const cause = ownCause === null && write.bytes < this.#policy.minMessageBytes ? 'threshold' : ownCause
      this.#policy.messageMade(cause)
      const token = this.#table.take(cause)
      this.#table.cover(token, write, write.bytes)
      const segments = addPieces(batch, write, cause === null ? this.#policy.minPieceBytes(write) : 0)
      batch.endMessage(token, segments, cause === null ? MessageFlag.Zerocopy : 0)
      if (write.envelope !== undefined) batch.setEnvelope(write.envelope.words)
    }
    return true
  }
}

/**
 * Adds the pieces of a datagram; those with fewer than `minPieceBytes` as copies.
 * @returns segments that were added
 */
function addPieces(batch: SendBatch, write: PendingWrite, minPieceBytes: number): number {
  const before = batch.segmentCount
  for (let at = 0; at < write.segmentCount; ) at = addPiece(batch, write, at, 0, minPieceBytes)
  return batch.segmentCount - before
}
