import { Release, type ReleaseKind } from '../driver/driver.js'
import type { ResolvedWriterOptions } from './options.js'
import type { CopyCause, PendingWrite } from './pending-write.js'
import { Way } from './way.js'

/**
 * Bytes that are copied at the limit between two collections. A caller that sends without a pause keeps the event loop, which would report
 * notifications, from running: then the writer has to look for notifications. A look costs little beside copying so many bytes.
 */
const COLLECT_EVERY_BYTES = 65_536

/**
 * Smallest mean size, in bytes, of the segments of a write that asks for zero-copy though none of its segments reaches `minZerocopyBytes`.
 * Each segment is pinned by itself, and pinning a small segment costs more than copying it: 256 segments of 64 bytes took 4.9 times the CPU
 * time of their copy.
 */
const MIN_MEAN_SEGMENT_BYTES = 1_024

/** Decides, message by message, whether to ask for zero-copy. */
export class ZerocopyPolicy {
  /** Smallest message that asks for zero-copy, in bytes. */
  readonly minMessageBytes: number
  readonly #minBytes: number
  readonly #demoteAfter: number
  readonly #retryEvery: number
  readonly #copyAtLimit: boolean
  readonly #capable: boolean
  readonly #way: Way
  readonly #onDemoted: (() => void) | undefined
  #limited = false
  #copiedAtLimitBytes = 0

  /**
   * @param capable - false: the driver never shares memory
   * @param way - knowledge about the way to the peer, perhaps learned by other senders
   * @param onDemoted - runs when the kernel has copied `demoteAfterCopied` messages in a row
   */
  constructor(options: ResolvedWriterOptions, capable: boolean, way: Way = new Way(), onDemoted?: () => void) {
    this.#onDemoted = onDemoted
    this.#way = way
    this.minMessageBytes = options.minZerocopyMessageBytes
    this.#minBytes = options.minZerocopyBytes
    this.#demoteAfter = options.demoteAfterCopied
    this.#retryEvery = options.retryZerocopyEvery
    this.#copyAtLimit = options.copyAtLimit
    this.#capable = capable
  }

  get demoted(): boolean {
    return this.#way.isDemoted(this.#demoteAfter)
  }

  /** The cause to copy `write`, or null. The batcher decides whether the message of the write is large enough. */
  causeToCopy(write: PendingWrite): CopyCause {
    if (!this.#capable) return 'backend'
    if (write.bytes < this.#minBytes || write.bytes === 0) return 'threshold'
    // A caller that sets `minZerocopyBytes` to 0 shares every write, and so its small segments, too.
    if (write.segmentCount > 1 && this.#minBytes > write.largestBytes && write.bytes < write.segmentCount * MIN_MEAN_SEGMENT_BYTES)
      return 'threshold'
    if (write.mustCopy || this.#limited) return 'limit'
    return this.#way.isResting(this.#demoteAfter) ? 'demoted' : null
  }

  /**
   * Pieces of `write` with fewer bytes than this are copied, though the write asks for zero-copy: they lie beside a piece that reaches
   * `minZerocopyBytes`. 0: every piece of the write is shared.
   */
  minPieceBytes(write: PendingWrite): number {
    return write.segmentCount > 1 && write.largestBytes >= this.#minBytes ? this.#minBytes : 0
  }

  /** A message with this cause was made. */
  messageMade(cause: CopyCause): void {
    if (cause === 'demoted') this.#way.sendsUntilRetry--
    else if (cause === null && this.demoted) this.#way.sendsUntilRetry = this.#retryEvery
  }

  /**
   * The kernel has no memory for another notification while others are in flight. Where this returns true, messages are copied until a message
   * in flight is released: an earlier attempt could only fail. A release may already wait to be collected, so the caller collects first.
   */
  limitReached(): boolean {
    this.#limited = this.#copyAtLimit
    return this.#copyAtLimit
  }

  /**
   * Another `bytes` were sent by copy because of the limit.
   * @returns whether the caller should collect now: a release would end the copying
   */
  copiedAtLimit(bytes: number): boolean {
    if (!this.#limited) return false
    this.#copiedAtLimitBytes += bytes
    if (this.#copiedAtLimitBytes < COLLECT_EVERY_BYTES) return false
    this.#copiedAtLimitBytes = 0
    return true
  }

  /**
   * A message that asked for zero-copy was sent and is released. Where `release` shows whether the kernel copied, it counts for the next messages.
   */
  notified(release: ReleaseKind): void {
    this.#limited = false
    if (release === Release.Copied) {
      if (++this.#way.copiedInARow !== this.#demoteAfter) return
      this.#way.sendsUntilRetry = this.#retryEvery
      this.#onDemoted?.()
    } else if (release === Release.Zerocopy) {
      this.#way.copiedInARow = 0
      this.#way.sendsUntilRetry = 0
    }
  }
}
