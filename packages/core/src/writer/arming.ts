import type { Driver } from '../driver/driver.js'

/** Knows which wake-ups a driver is armed for, and calls the driver only to change them. */
export class Arming {
  readonly #driver: Driver
  #armed = 0

  constructor(driver: Driver) {
    this.#driver = driver
  }

  /** The driver has woken its writer for `bits`. That disarmed them. */
  woken(bits: number): void {
    this.#armed &= ~bits
  }

  /** @param bits - wake-ups to wait for; 0 = none, so that the event loop can end */
  wait(bits: number): void {
    if ((bits & ~this.#armed) !== 0) this.#driver.arm(bits)
    else if (bits === 0 && this.#armed !== 0) this.#driver.disarm(this.#armed)
    this.#armed = bits === 0 ? 0 : this.#armed | bits
  }
}
