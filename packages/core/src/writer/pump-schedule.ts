import { runAsMicrotask } from './microtask.js'

/** Runs a pump once for everything that asks for it. The pump looks at everything again before it ends, so one run is enough. */
export class PumpSchedule {
  readonly #pump: () => void
  #isDue = false
  #runs = false
  /** Runs the pump where it is due. */
  readonly task = (): void => this.#run()

  /** @param pump - never throws */
  constructor(pump: () => void) {
    this.#pump = pump
  }

  /** Asks for a run after the code that runs now. */
  ask(): void {
    if (this.#isDue || this.#runs) return
    this.#isDue = true
    runAsMicrotask(this.task)
  }

  /** Asks for a run by somebody who calls {@link task}. */
  expect(): void {
    this.#isDue = true
  }

  #run(): void {
    if (!this.#isDue) return
    this.#isDue = false
    this.#runs = true
    this.#pump()
    this.#runs = false
  }
}
