import { type Driver, ENVELOPE_WORDS, Errno, MessageFlag, type SendBatch } from '../driver/driver.js'
import { MAX_UDP4_PAYLOAD_BYTES } from '../driver/send-failure.js'
import type { MessageRecord, MessageTable } from './message-table.js'
import { addPiece } from './mixed-pieces.js'
import type { CopyCause, PendingWrite } from './pending-write.js'
import type { WriteQueue } from './write-queue.js'
import type { ZerocopyPolicy } from './zerocopy-policy.js'

/** Datagrams of one message: UDP_MAX_SEGMENTS before Linux 6.9, so that every kernel takes as many. */
const MAX_JOINED_DATAGRAMS = 64
/** Datagrams that leave each alone after the kernel has refused to cut a message, before the next try. */
const DATAGRAMS_UNTIL_RETRY = 1_024
/** Answers that a message can get because it is to be cut: no UDP_SEGMENT, or not on this route, or an MTU below the size of its datagrams. */
const REFUSALS: readonly number[] = [Errno.EMSGSIZE, Errno.EINVAL, Errno.EIO, Errno.EOPNOTSUPP, Errno.ENOBUFS, Errno.ENOMEM]
/** The envelope of datagrams without one that are joined. */
const NO_PARTS = new Uint32Array(ENVELOPE_WORDS)

/**
 * Makes messages of the writes to a datagram socket. A write leaves the queue with its message; a refused write is put back.
 *
 * A write is one datagram. Adjoining writes of one size and one envelope that are copied leave as one message, which the kernel cuts into their
 * datagrams again (UDP_SEGMENT): the path through the kernel is taken once for all of them. The last may be shorter.
 */
export class DatagramBatcher {
  readonly #table: MessageTable
  readonly #policy: ZerocopyPolicy
  readonly #maxSegments: number
  /** Bytes of one joined message; 0: datagrams are not joined. */
  readonly #maxJoinedBytes: number
  #datagramsUntilRetry = 0

  /** @param maxJoinedBytes - the writer's option */
  constructor(table: MessageTable, policy: ZerocopyPolicy, driver: Driver, maxJoinedBytes: number) {
    this.#table = table
    this.#policy = policy
    this.#maxSegments = driver.maxSegmentsPerMessage
    this.#maxJoinedBytes = driver.addressFamily === undefined ? 0 : Math.min(maxJoinedBytes, MAX_UDP4_PAYLOAD_BYTES)
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
      const cause = this.#causeOf(write)
      this.#policy.messageMade(cause)
      const token = this.#table.take(cause)
      this.#table.cover(token, write, write.bytes)
      let segments = addPieces(batch, write, cause === null ? this.#policy.minPieceBytes(write) : 0)
      const alone = segments
      if (cause !== null && this.#maxJoinedBytes > 0) segments += this.#join(batch, queue, write, token, segments)
      batch.endMessage(token, segments, cause === null ? MessageFlag.Zerocopy : segments > alone ? MessageFlag.HoldsRest : 0)
      if (segments > alone) batch.setEnvelope(write.envelope?.words ?? NO_PARTS, write.bytes)
      else if (write.envelope !== undefined) batch.setEnvelope(write.envelope.words)
    }
    return true
  }

  /**
   * Whether the datagrams of a failed message are to be tried each alone, since the kernel may have refused to cut it. The caller puts them back.
   */
  separates(record: MessageRecord, errno: number): boolean {
    if (record.joined.length === 0 || !REFUSALS.includes(errno)) return false
    this.#datagramsUntilRetry = DATAGRAMS_UNTIL_RETRY
    return true
  }

  #causeOf(write: PendingWrite): CopyCause {
    const cause = this.#policy.causeToCopy(write)
    return cause === null && write.bytes < this.#policy.minMessageBytes ? 'threshold' : cause
  }

  /**
   * Adds the writes behind `first` that leave with it to the open message.
   * @param segments - of `first`
   * @returns segments that were added
   */
  #join(batch: SendBatch, queue: WriteQueue, first: PendingWrite, token: number, segments: number): number {
    if (this.#datagramsUntilRetry > 0) {
      this.#datagramsUntilRetry--
      return 0
    }
    const { bytes, envelope } = first
    if (bytes === 0 || envelope?.parts.segmentBytes !== undefined || !isWhole(first)) return 0
    const limit = Math.min(this.#maxSegments, segments + batch.maxSegments - batch.segmentCount)
    const cause = this.#table.record(token).cause
    let count = segments
    let total = bytes
    for (let datagrams = 1; datagrams < MAX_JOINED_DATAGRAMS; datagrams++) {
      const next = queue.first
      if (next === undefined || next.envelope !== envelope || next.bytes === 0 || next.bytes > bytes) break
      if (count + next.segmentCount > limit || total + next.bytes > this.#maxJoinedBytes) break
      if (this.#causeOf(next) !== cause || !isWhole(next)) break
      queue.shift()
      this.#table.cover(token, next, next.bytes)
      count += addPieces(batch, next, 0)
      total += next.bytes
      // The kernel cuts from the front: only the last datagram can be shorter.
      if (next.bytes < bytes) break
    }
    return count - segments
  }
}

/** False where the owner has transferred memory of the write away: what follows would move up into its place. */
function isWhole(write: PendingWrite): boolean {
  let bytes = 0
  for (let at = 0; at < write.segmentCount; at++) bytes += write.segment(at).length
  return bytes === write.bytes
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
