import { BenchFailure, ExitStatus } from '../cli/failure.js'
import { STALL_TIMEOUT_MS } from './load.js'

/**
 * Lets a synchronous loop wait, and allocates only for a real wait: whoever makes progress calls {@link open},
 * whoever needs progress awaits {@link wait}. A wait is bounded: a peer that takes nothing for `timeoutMs` is a failure.
 */
export class ProgressGate {
  readonly #timeoutMs: number
  readonly #waitedFor: string
  #resolve: (() => void) | undefined
  #reject: ((error: Error) => void) | undefined
  #failure: Error | undefined
  #opened = false

  /**
   * @param waitedFor - ends the sentence "No progress for 10 s: ..."
   * @param timeoutMs - bound of one wait, in ms
   */
  constructor(waitedFor: string, timeoutMs: number = STALL_TIMEOUT_MS) {
    this.#waitedFor = waitedFor
    this.#timeoutMs = timeoutMs
  }

  /** Progress was made: ends the wait, or the next one at once. */
  open(): void {
    this.#opened = true
    this.#resolve?.()
  }

  /** Nothing can make progress any more: ends the wait, and every later one, with an error. */
  fail(error: Error): void {
    this.#failure ??= error
    this.#reject?.(error)
  }

  /** Forgets earlier progress: the next {@link wait} waits for new progress. */
  shut(): void {
    this.#opened = false
  }

  /** Throws the error of {@link fail}, if there was one. */
  check(): void {
    if (this.#failure !== undefined) throw this.#failure
  }

  /**
   * Waits until progress was made since the last {@link shut}. The timer also keeps the event loop alive.
   * @throws the error of {@link fail}, or BenchFailure after `timeoutMs`
   */
  async wait(): Promise<void> {
    this.check()
    if (this.#opened) return
    let timer: NodeJS.Timeout | undefined
    try {
      await new Promise<void>((resolve, reject) => {
        this.#resolve = resolve
        this.#reject = reject
        timer = setTimeout(() => {
          reject(new BenchFailure(`No progress for ${this.#timeoutMs / 1_000} s: ${this.#waitedFor}.`, ExitStatus.Failed))
        }, this.#timeoutMs)
      })
    } finally {
      clearTimeout(timer)
      this.#resolve = undefined
      this.#reject = undefined
    }
  }
}
