/** Time, in ms, between two looks at every watched peer. */
const LOOK_EVERY_MS = 1_000
/** Time, in seconds, for which a peer may take nothing before it is too slow, whatever the rate. */
const CREDIT_SECONDS = 10

const watches = new Set<RateWatch>()
let timer: NodeJS.Timeout | undefined

/**
 * Looks at every watched peer.
 * @param nowMs - of `performance.now()`
 */
export function lookAtPeers(nowMs: number): void {
  for (const each of watches) each.look(nowMs)
}

/**
 * Watches that a peer takes bytes at a minimum rate. The peer has credit for {@link CREDIT_SECONDS}: time below the rate uses the credit up, time
 * above it refills the credit.
 */
export class RateWatch {
  readonly #minRate: number
  readonly #progress: () => number
  readonly #onTooSlow: () => void
  #creditBytes: number
  #lastMs: number

  /**
   * @param minRate - bytes a second
   * @param progress - answers how many bytes the peer has taken since its last call
   * @param onTooSlow - runs once, from a timer
   */
  constructor(minRate: number, progress: () => number, onTooSlow: () => void) {
    this.#minRate = minRate
    this.#progress = progress
    this.#onTooSlow = onTooSlow
    this.#creditBytes = minRate * CREDIT_SECONDS
    this.#lastMs = performance.now()
    watches.add(this)
    timer ??= setInterval(() => lookAtPeers(performance.now()), LOOK_EVERY_MS).unref()
  }

  /** @param nowMs - of `performance.now()` */
  look(nowMs: number): void {
    const owed = (this.#minRate * (nowMs - this.#lastMs)) / 1_000
    this.#creditBytes = Math.min(this.#minRate * CREDIT_SECONDS, this.#creditBytes + this.#progress() - owed)
    this.#lastMs = nowMs
    if (this.#creditBytes >= 0) return
    this.stop()
    this.#onTooSlow()
  }

  stop(): void {
    watches.delete(this)
    if (watches.size > 0) return
    clearInterval(timer)
    timer = undefined
  }
}
