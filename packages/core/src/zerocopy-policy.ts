import type { CopyCause, PendingWrite } from './pending-write.js'

/** Decides, message by message, whether to ask for zero-copy. */
export class ZerocopyPolicy {
  readonly #minBytes: number
  readonly #demoteAfter: number
  readonly #retryEvery: number
  readonly #capable: boolean
  #copiedInARow = 0
  #sendsUntilRetry = 0

  /**
   * @param minBytes - smallest write that asks
   * @param demoteAfter - copied notifications in a row after which it stops asking; 0 = never
   * @param retryEvery - copied messages between two attempts, once demoted
   * @param capable - false: the driver never shares memory
   */
  constructor(minBytes: number, demoteAfter: number, retryEvery: number, capable: boolean) {
    this.#minBytes = minBytes
    this.#demoteAfter = demoteAfter
    this.#retryEvery = retryEvery
    this.#capable = capable
  }

  get demoted(): boolean {
    return this.#demoteAfter > 0 && this.#copiedInARow >= this.#demoteAfter
  }

  /** Why `write` is to be copied, or null. */
  causeToCopy(write: PendingWrite): CopyCause {
    if (!this.#capable) return 'backend'
    if (write.bytes < this.#minBytes || write.bytes === 0) return 'threshold'
    if (write.mustCopy) return 'limit'
    return this.demoted && this.#sendsUntilRetry > 0 ? 'demoted' : null
  }

  /** A message with this cause was made. */
  messageMade(cause: CopyCause): void {
    if (cause === 'demoted') this.#sendsUntilRetry--
    else if (cause === null && this.demoted) this.#sendsUntilRetry = this.#retryEvery
  }

  /** The kernel told how a zero-copy message went. */
  notified(copied: boolean): void {
    if (copied) {
      if (++this.#copiedInARow === this.#demoteAfter) this.#sendsUntilRetry = this.#retryEvery
    } else {
      this.#copiedInARow = 0
      this.#sendsUntilRetry = 0
    }
  }
}
