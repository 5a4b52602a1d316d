import type { DriverSink, ReleaseKind } from './driver.js'

/** Words per event in the Int32Array that an addon fills: driver, token, bits, result. Mirrors native/include/sendzc/event_buffer.h. */
export const EVENT_WORDS = 4
const SENT = 1
const RELEASED = 2
const WAKE = 4
const RELEASE_SHIFT = 4
const RELEASE_MASK = 7

/**
 * Hands the first `count` events of `events` to the sinks of their drivers.
 * A sink may submit again from within: the addon must then write to another buffer, so a nested call is refused.
 */
export class EventDispatcher {
  readonly #sinks: (DriverSink | undefined)[] = []
  #dispatching = false

  /** Registers the sink of driver number `index`; undefined removes it, and later events for that number are dropped. */
  set(index: number, sink: DriverSink | undefined): void {
    this.#sinks[index] = sink
  }

  /** True while events are handed out. */
  get dispatching(): boolean {
    return this.#dispatching
  }

  /** Hands out the first `count` events; throws where it is called from within a sink. */
  dispatch(events: Int32Array, count: number): void {
    if (this.#dispatching) throw new Error('events dispatched while events are dispatched')
    this.#dispatching = true
    try {
      for (let at = 0; at < count * EVENT_WORDS; at += EVENT_WORDS) {
        const sink = this.#sinks[events[at] as number]
        if (sink === undefined) continue
        const token = (events[at + 1] as number) >>> 0
        const bits = events[at + 2] as number
        if ((bits & SENT) !== 0) sink.sent(token, events[at + 3] as number)
        if ((bits & RELEASED) !== 0) sink.released(token, ((bits >> RELEASE_SHIFT) & RELEASE_MASK) as ReleaseKind)
        if ((bits & WAKE) !== 0) sink.wake(events[at + 3] as number)
      }
    } finally {
      this.#dispatching = false
    }
  }
}
