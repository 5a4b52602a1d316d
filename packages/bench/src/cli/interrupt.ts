/**
 * Lets a run end between two measurements when the user presses Ctrl-C, or something asks the process to end, so that the
 * record is written. A second time ends the process as usual.
 */
export class Interrupt implements Disposable {
  readonly #onSignal = (): void => {
    this.#controller.abort()
    process.stderr.write('\nInterrupted: stopping after this measurement (again to stop at once).\n')
  }
  readonly #controller = new AbortController()

  constructor() {
    process.once('SIGINT', this.#onSignal).once('SIGTERM', this.#onSignal)
  }

  /** True once the user asked to stop. */
  get requested(): boolean {
    return this.#controller.signal.aborted
  }

  /** Aborted at that moment, to cut off a measurement that another process makes. */
  get signal(): AbortSignal {
    return this.#controller.signal
  }

  [Symbol.dispose](): void {
    process.off('SIGINT', this.#onSignal).off('SIGTERM', this.#onSignal)
  }
}
