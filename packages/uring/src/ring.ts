import { ZeroCopyError } from '@sendzc/core'
import { EVENT_WORDS, EventDispatcher } from '@sendzc/core/driver'
import { failureError, fixedBufferFailure, ringError } from './failures.js'
import { type LoadedAddon, loadNative, NO_DRIVER } from './native.js'
import type { ResolvedUringOptions } from './options.js'

/** Events that one native call can write; the others stay in the ring for the next call. */
const EVENT_CAPACITY = 4_096
/** How often in a row events are fetched before the event loop gets its turn. */
const MAX_DELIVERIES = 64

/** The properties that the kernel gave to a ring. */
export interface RingDescription {
  /** Flags of io_uring_setup(2) that the kernel took, as bits. */
  setupFlags: number
  /** Entries of the submission queue. */
  entries: number
  /** Entries of the completion queue. */
  completionEntries: number
  /** Whether the kernel reports copies (IORING_SEND_ZC_REPORT_USAGE, Linux 6.2). */
  reportsUsage: boolean
  /** Messages that may be in flight at a time, over all writers of the ring. */
  maxInFlight: number
}

const ringsByKey = new Map<string, UringRing>()

/**
 * One ring of this environment, shared by every driver whose backend has equal options. It outlasts its last driver by a second
 * (`ring_linger_ms` of native/environment.h), for making one is dear; then the addon closes it, and this object is forgotten at the next open.
 */
export class UringRing {
  readonly handle: number
  readonly native: LoadedAddon
  readonly dispatcher = new EventDispatcher()
  /** Open drivers. With one, its `submit` hands over at once, in the same native call. */
  openDrivers = 0
  /** A driver has submitted since the last flush. */
  held = false
  readonly #key: string
  readonly #events = new Int32Array(EVENT_CAPACITY * EVENT_WORDS)
  #again = false

  private constructor(key: string, native: LoadedAddon, options: ResolvedUringOptions) {
    this.#key = key
    this.native = native
    const handle = native.createRing(options.entries, options.completionEntries, this.#events, () => this.ready())
    if (handle < 0) throw ringError(-handle, native.failedCall())
    this.handle = handle
  }

  /** The ring for these options: the one that exists, or a new one. */
  static acquire(key: string, options: ResolvedUringOptions, region: number | undefined): UringRing {
    const existing = ringsByKey.get(key)
    if (existing?.native.keepRing(existing.handle)) return existing
    existing?.forget()
    const native = loadNative()
    const ring = new UringRing(key, native, options)
    ringsByKey.set(key, ring)
    if (region === undefined) return ring
    const result = native.registerRegion(ring.handle, region)
    if (result === 0) return ring
    // No driver gets this ring.
    ring.forget()
    ring.release()
    const { count, bytes } = options.fixedBuffers as { count: number; bytes: number }
    throw failureError(fixedBufferFailure(-result, count * bytes), -result, 'io_uring_register')
  }

  describe(): RingDescription {
    const words = new Uint32Array(5)
    this.native.describeRing(this.handle, words)
    const [setupFlags = 0, entries = 0, completionEntries = 0, reportsUsage = 0, maxInFlight = 0] = words
    return { setupFlags, entries, completionEntries, reportsUsage: reportsUsage === 1, maxInFlight }
  }

  /** Events are being handed out: native calls must leave the event buffer alone. */
  get dispatching(): boolean {
    return this.dispatcher.dispatching
  }

  /** Hands out the completions of the meantime after the present events. */
  deliverLater(): void {
    this.#again = true
  }

  /** Hands out `count` events, then those that came meanwhile. */
  deliver(count: number): void {
    let events = count
    for (let round = 1; events > 0 || this.#again; round++) {
      const full = events >= EVENT_CAPACITY - 1
      this.#again = false
      if (events > 0) this.dispatcher.dispatch(this.#events, events)
      const more = full || this.#again
      // Before the next are fetched: an event that is fetched and not handed out is lost.
      if (more && round === MAX_DELIVERIES) {
        this.#deliverNextTurn()
        return
      }
      events = more ? this.native.collect(this.handle, NO_DRIVER) : 0
    }
    if (this.openDrivers === 0) this.release()
  }

  // Apart from deliver(): a function that makes a closure over `this` allocates a context each time it is called.
  #deliverNextTurn(): void {
    setImmediate(() => this.ready())
  }

  /** The event loop found completions. */
  ready(): void {
    if (this.dispatching) {
      this.#again = true
      return
    }
    this.deliver(this.native.collect(this.handle, NO_DRIVER))
    if (this.openDrivers === 0) this.release()
  }

  /** Lets go of the ring where no driver is open and the kernel owes nothing; else it stays until its last notification. */
  release(): void {
    if (this.openDrivers === 0 && !this.dispatching) this.native.releaseRing(this.handle)
  }

  /** The next open with these options makes a ring of its own. */
  forget(): void {
    if (ringsByKey.get(this.#key) === this) ringsByKey.delete(this.#key)
  }

  /** @throws ZeroCopyError ERR_ZC_CLOSED */
  static closedError(): ZeroCopyError {
    return new ZeroCopyError('ERR_ZC_CLOSED', 'The io_uring driver is closed.')
  }
}
