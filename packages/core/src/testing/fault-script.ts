/** One failure that a socket plays to the sends that come. */
export interface InjectedFault {
  /** Positive errno, for example `Errno.ENOBUFS`. */
  errno: number
  /** Sends that it hits. Default 1. */
  times?: number
  /** Sends that pass before it. Default 0. */
  after?: number
  /** True: hits only sends that ask for zero-copy. Default false. */
  zerocopyOnly?: boolean
  /** True: the failed send keeps its memory until a notification (`io_uring_enter(2)`: "even a failed request may notify"). Default false. */
  notifies?: boolean
}

/** The failures that a socket plays, in the order in which they were added. */
export class FaultScript {
  readonly #faults: InjectedFault[] = []

  add(fault: InjectedFault): void {
    this.#faults.push({ ...fault })
  }

  /** The failure of the next send; undefined where it succeeds. */
  next(zerocopy: boolean): InjectedFault | undefined {
    const fault = this.#faults[0]
    if (fault === undefined || (fault.zerocopyOnly === true && !zerocopy)) return undefined
    if ((fault.after ?? 0) > 0) {
      fault.after = (fault.after as number) - 1
      return undefined
    }
    fault.times = (fault.times ?? 1) - 1
    if (fault.times <= 0) this.#faults.shift()
    return fault
  }
}
