/** Waits until a condition holds. Code that may have made the condition true calls {@link check}. */
export class IdleWait {
  readonly #isIdle: () => boolean
  readonly #waiters = new Set<() => void>()

  constructor(isIdle: () => boolean) {
    this.#isIdle = isIdle
  }

  /** Ends the waiting where the condition holds now. */
  check(): void {
    if (this.#waiters.size > 0 && this.#isIdle()) for (const waiter of this.#waiters) waiter()
  }

  /** Resolves true once the condition holds (maybe now); false when `limitMs` (infinite: never) ran out first. The caller ensures {@link check}. */
  wait(limitMs: number): Promise<boolean> {
    if (this.#isIdle()) return Promise.resolve(true)
    return new Promise((resolve) => {
      const timer = Number.isFinite(limitMs) ? setTimeout(() => done(false), limitMs) : undefined
      const waiter = (): void => done(true)
      const done = (idle: boolean): void => {
        clearTimeout(timer)
        this.#waiters.delete(waiter)
        resolve(idle)
      }
      this.#waiters.add(waiter)
    })
  }
}
