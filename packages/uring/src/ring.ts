import { isMainThread } from 'node:worker_threads'
import { ZeroCopyError } from '@sendzc/core'
import { EVENT_WORDS, EventDispatcher } from '@sendzc/core/driver'
import { failureError, fixedBufferFailure, ringFailure } from './failures.js'
import { DRIVER_INDEX_BITS, loadNative, onRingReady, type UringAddon } from './native.js'
import type { ResolvedUringOptions } from './options.js'

/** Events that one native call can write; what is more stays in the ring for the next call. */
const EVENT_CAPACITY = 4_096
/** How often in a row events are fetched before the event loop gets its turn. */
const MAX_DELIVERIES = 64
/** An index that no driver has: a native call for the ring as a whole. */
const NO_DRIVER = 2 ** DRIVER_INDEX_BITS - 1

/** What a ring was given by the kernel. */
export interface RingDescription {
  setupFlags: number
  entries: number
  completionEntries: number
  reportsUsage: boolean
  /** Messages that may be in flight at a time, over all writers of the ring. */
  maxInFlight: number
}

const ringsByKey = new Map<string, UringRing>()
const ringsById = new Map<number, UringRing>()

onRingReady((id) => ringsById.get(id)?.ready())

/** One ring of this environment, shared by every driver whose backend has equal options. */
export class UringRing {
  readonly id: number
  readonly native: UringAddon
  readonly dispatcher = new EventDispatcher()
  /** Open drivers. With one, its `submit` hands over at once, in the same native call. */
  openDrivers = 0
  /** A driver submitted, and nothing has flushed since. */
  held = false
  readonly #key: string
  readonly #events = new Int32Array(EVENT_CAPACITY * EVENT_WORDS)
  #again = false
  readonly #drain = (): void => this.native.drainRing(this.id)

  private constructor(key: string, native: UringAddon, options: ResolvedUringOptions) {
    this.#key = key
    this.native = native
    const sqpollIdleMs = options.sqpoll?.idleMs ?? -1
    const id = native.createRing(options.entries, options.completionEntries, sqpollIdleMs, this.#events)
    if (id < 0) throw failureError(ringFailure(-id), -id, 'io_uring_setup')
    this.id = id
    // Its thread ends with the last notification, and the process with its thread. process.exit() ends no environment.
    if (options.sqpoll !== undefined && isMainThread) process.on('exit', this.#drain)
  }

  /** The ring for these options: the one that exists, or a new one. */
  static acquire(key: string, options: ResolvedUringOptions, region: number | undefined): UringRing {
    const existing = ringsByKey.get(key)
    if (existing !== undefined) return existing
    const native = loadNative()
    const ring = new UringRing(key, native, options)
    ringsByKey.set(key, ring)
    ringsById.set(ring.id, ring)
    if (region === undefined) return ring
    const result = native.registerRegion(ring.id, region)
    if (result === 0) return ring
    ring.closeIfIdle()
    const { count, bytes } = options.fixedBuffers as { count: number; bytes: number }
    throw failureError(fixedBufferFailure(-result, count * bytes), -result, 'io_uring_register')
  }

  /** Name of a driver of this ring, for native calls. */
  name(index: number): number {
    return this.id * 2 ** DRIVER_INDEX_BITS + index
  }

  describe(): RingDescription {
    const words = new Uint32Array(5)
    this.native.describeRing(this.id, words)
    const [setupFlags = 0, entries = 0, completionEntries = 0, reportsUsage = 0, maxInFlight = 0] = words
    return { setupFlags, entries, completionEntries, reportsUsage: reportsUsage === 1, maxInFlight }
  }

  /** Events are being handed out: native calls must leave the event buffer alone. */
  get dispatching(): boolean {
    return this.dispatcher.dispatching
  }

  /** What completed meanwhile is to be handed out when the present events are. */
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
      // Before the next are fetched: what is fetched and not handed out is lost.
      if (more && round === MAX_DELIVERIES) {
        this.#deliverNextTurn()
        return
      }
      events = more ? this.native.collect(this.name(NO_DRIVER), true) : 0
    }
    if (this.openDrivers === 0) this.closeIfIdle()
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
    this.deliver(this.native.collect(this.name(NO_DRIVER), true))
    if (this.openDrivers === 0) this.closeIfIdle()
  }

  /** Lets go of the ring where no driver is open and the kernel owes nothing; else it stays until its last notification. */
  closeIfIdle(): void {
    if (this.openDrivers > 0 || this.dispatching || ringsById.get(this.id) !== this) return
    if (!this.native.closeRingIfIdle(this.id)) return
    process.off('exit', this.#drain)
    ringsById.delete(this.id)
    ringsByKey.delete(this.#key)
  }

  /** @throws ZeroCopyError ERR_ZC_CLOSED */
  static closedError(): ZeroCopyError {
    return new ZeroCopyError('ERR_ZC_CLOSED', 'The io_uring driver is closed.')
  }
}
