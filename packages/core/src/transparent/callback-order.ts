import { AsyncResource } from 'node:async_hooks'

const MANUAL_DESTROY = { requireManualDestroy: true }

/** A write whose memory is shared, and the callbacks that wait for it. */
export interface Unreleased {
  /** Place of its first chunk among all chunks of the stream. */
  readonly from: number
  isReleased: boolean
  readonly callbacks: (() => void)[]
}

/**
 * Holds back the callbacks that a program gave to `write()` until its memory is its own again, in the order of the writes: one waits for every
 * shared write that came before its own, since a program may take the callback of a later write as the word for an earlier one.
 */
export class CallbackOrder {
  /** In the order of the writes. */
  readonly #unreleased: Unreleased[] = []

  get isEmpty(): boolean {
    return this.#unreleased.length === 0
  }

  /** Whether a callback waits. */
  get isAwaited(): boolean {
    return this.#unreleased.some(({ callbacks }) => callbacks.length > 0)
  }

  /**
   * From now on memory is shared, until {@link release}.
   * @param from - place of its first chunk among all chunks of the stream
   */
  hold(from: number): Unreleased {
    const write: Unreleased = { from, isReleased: false, callbacks: [] }
    this.#unreleased.push(write)
    return write
  }

  /**
   * Runs `callback` now, or when everything before it is released.
   * @param place - of its chunk; left out: behind all
   */
  run(callback: () => void, place: number = Number.POSITIVE_INFINITY): void {
    const last = this.#unreleased.findLast(({ from }) => from <= place)
    if (last === undefined) {
      callback()
      return
    }
    // Not AsyncResource.bind(), which gives each function properties of its own: that took as long as copying 200 KB.
    const context = new AsyncResource('SENDZC_WRITE', MANUAL_DESTROY)
    last.callbacks.push(() => context.runInAsyncScope(callback))
  }

  /** The memory of a write is free. */
  release(write: Unreleased): void {
    write.isReleased = true
    for (let [first] = this.#unreleased; first?.isReleased === true; [first] = this.#unreleased) {
      this.#unreleased.shift()
      // Each by itself: what one throws is the program's, and keeps no other from running.
      for (const callback of first.callbacks) process.nextTick(callback)
    }
  }
}
