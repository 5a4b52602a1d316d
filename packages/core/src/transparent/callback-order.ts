import { inThisContext } from '../open/async-context.js'

/** A write whose memory is shared, and the callbacks that wait for it. */
export interface Unreleased {
  /** Place of its first chunk among all chunks of the stream. */
  readonly from: number
  isReleased: boolean
  readonly callbacks: (() => void)[]
}

/**
 * Holds back the callbacks that a program gave to `write()` until the program owns its memory again, in the order of the writes. A callback waits
 * for its own write and every earlier shared write, since a program may take the callback of a later write as the word for an earlier write.
 */
export class CallbackOrder {
  /** Shared writes that wait for their release, in the order of the writes. */
  readonly #unreleased: Unreleased[] = []

  get isEmpty(): boolean {
    return this.#unreleased.length === 0
  }

  /** Whether a callback waits. */
  get isAwaited(): boolean {
    return this.#unreleased.some(({ callbacks }) => callbacks.length > 0)
  }

  /**
   * Notes a write whose memory is shared from now on, until {@link release}.
   * @param from - place of the write's first chunk among all chunks of the stream
   */
  hold(from: number): Unreleased {
    const write: Unreleased = { from, isReleased: false, callbacks: [] }
    this.#unreleased.push(write)
    return write
  }

  /**
   * Runs `callback` now, or when every shared write up to its place is released.
   * @param place - place of the callback's chunk; left out: behind all chunks
   */
  run(callback: () => void, place: number = Number.POSITIVE_INFINITY): void {
    const last = this.#unreleased.findLast(({ from }) => from <= place)
    if (last === undefined) {
      callback()
      return
    }
    last.callbacks.push(inThisContext('SENDZC_WRITE', callback))
  }

  /** The memory of a write is free. */
  release(write: Unreleased): void {
    write.isReleased = true
    for (let [first] = this.#unreleased; first?.isReleased === true; [first] = this.#unreleased) {
      this.#unreleased.shift()
      // Each callback runs by itself: an error that a callback throws is the program's, and the other callbacks still run.
      for (const callback of first.callbacks) process.nextTick(callback)
    }
  }
}
