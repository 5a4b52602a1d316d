import type { SendBatch } from '../driver/driver.js'
import type { PendingWrite } from './pending-write.js'

/** Largest copy of small pieces that lie side by side, in bytes; a further piece begins another copy. */
const MAX_COPY_BYTES = 65_536
/**
 * Bytes of small pieces that one batch copies, at most, and one copy more. The kernel may take only the first bytes of a batch: then the rest is
 * copied again for the next batch.
 */
export const MAX_COPIED_BYTES_PER_BATCH = 262_144

/**
 * Adds piece `at` of a write to the message that is being made, or, where that piece is small, a copy of this piece and of the small pieces
 * behind it. Batch by batch a copy is made anew. So the caller's memory of a small piece is read until the kernel has taken the piece's last
 * byte, and never after that.
 *
 * One message carries the copies beside the shared pieces: that costs less than a system call of its own for the copied pieces, and the pieces
 * leave in the same packets on every path, also in a datagram.
 * @param offset - where piece `at` begins
 * @param minPieceBytes - a piece with fewer bytes is small; 0: no piece is
 * @returns the index behind the last piece that was added
 */
export function addPiece(batch: SendBatch, write: PendingWrite, at: number, offset: number, minPieceBytes: number): number {
  const end = minPieceBytes === 0 ? at : endOfSmallPieces(write, at, minPieceBytes)
  if (end > at) {
    batch.addSegment(copyPieces(write, at, end, offset))
    return end
  }
  const whole = write.segment(at)
  batch.addSegment(offset === 0 ? whole : whole.subarray(offset))
  return at + 1
}

function endOfSmallPieces(write: PendingWrite, first: number, minPieceBytes: number): number {
  let end = first
  for (let bytes = 0; end < write.segmentCount && bytes < MAX_COPY_BYTES; end++) {
    const { length } = write.segment(end)
    // A piece without a byte was transferred away by its owner.
    if (length === 0 || length >= minPieceBytes) break
    bytes += length
  }
  return end
}

function copyPieces(write: PendingWrite, first: number, end: number, offset: number): Uint8Array {
  let bytes = -offset
  for (let at = first; at < end; at++) bytes += write.segment(at).length
  // Perhaps memory of Node's pool: the kernel reads its own part until the message is released, and nobody else writes to that part.
  const copy = Buffer.allocUnsafe(bytes)
  let filled = 0
  for (let at = first; at < end; at++) {
    const piece = write.segment(at)
    const rest = at === first && offset > 0 ? piece.subarray(offset) : piece
    copy.set(rest, filled)
    filled += rest.length
  }
  return copy
}
