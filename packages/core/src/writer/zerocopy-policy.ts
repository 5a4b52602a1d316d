import { Release, type ReleaseKind } from '../driver/driver.js'
import type { ResolvedWriterOptions } from '../open/options.js'
import type { CopyCause, PendingWrite } from './pending-write.js'
import { Way } from './way.js'

/**
 * Bytes that are copied at the limit between two collections. Who sends without a pause does not return to the event loop, which would tell
 * of notifications: then they have to be looked for, at a price that is little beside that of copying so much.
 */
const COLLECT_EVERY_BYTES = 65_536

/**
 * Smallest mean size, in bytes, of the segments of a write that asks for zero-copy. Each segment is pinned by itself, which costs more than copying
 * a small one: 256 segments of 64 bytes took 4.9 times the CPU time of their copy.
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
   * @param way - what is known of the way to the peer, perhaps by others
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
    return this.#demoteAfter > 0 && this.#way.copiedInARow >= this.#demoteAfter
  }

  /** Why `write` is to be copied, or null; whether its message is large enough is the batcher's to say. */
  causeToCopy(write: PendingWrite): CopyCause {
    if (!this.#capable) return 'backend'
    if (write.bytes < this.#minBytes || write.bytes === 0) return 'threshold'
    // Where every write is to be shared, so are the pieces of one.
    if (write.segmentCount > 1 && this.#minBytes > 0 && write.bytes < write.segmentCount * MIN_MEAN_SEGMENT_BYTES) return 'threshold'
    if (write.mustCopy || this.#limited) return 'limit'
    return this.demoted && this.#way.sendsUntilRetry > 0 ? 'demoted' : null
  }

  /** A message with this cause was made. */
  messageMade(cause: CopyCause): void {
    if (cause === 'demoted') this.#way.sendsUntilRetry--
    else if (cause === null && this.demoted) this.#way.sendsUntilRetry = this.#retryEvery
  }

  /**
   * The kernel has no memory for another notification while others are in flight. Where the answer is true, messages are copied until one of
   * those gives its own back: asking before could only fail. What gave it back already may wait to be collected, so that comes first.
   */
  limitReached(): boolean {
    this.#limited = this.#copyAtLimit
    return this.#copyAtLimit
  }

  /**
   * Another `bytes` were sent by copy because of the limit.
   * @returns whether it is time to collect: a release would end the copying
   */
  copiedAtLimit(bytes: number): boolean {
    if (!this.#limited) return false
    this.#copiedAtLimitBytes += bytes
    if (this.#copiedAtLimitBytes < COLLECT_EVERY_BYTES) return false
    this.#copiedAtLimitBytes = 0
    return true
  }

  /**
   * A message that asked for zero-copy was sent and is released. Where that tells whether the kernel copied, it decides about the next ones.
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
