import { isMainThread } from 'node:worker_threads'
import { EVENT_WORDS, EventDispatcher } from '@sendzc/core/driver'
import { failedCall } from './call-failure.js'
import { loadNative, type NativeAddon } from './native.js'
import { joinError } from './open-error.js'

/** Events that the buffer holds from the beginning. */
const INITIAL_EVENTS = 1024
/** Events that one driver can cause in one call, per token: sent, released, and the release of one that was in flight. */
const EVENTS_PER_TOKEN = 3

/** Shared by all drivers of this thread: the addon and the buffer through which its events come. */
export class AddonEnvironment {
  readonly addon: NativeAddon
  readonly dispatcher = new EventDispatcher()
  readonly #control: Uint32Array
  #events = new Int32Array(INITIAL_EVENTS * EVENT_WORDS)

  constructor(addon: NativeAddon) {
    this.addon = addon
    addon.useEvents(this.#events)
    const control = addon.initialize((count) => this.dispatch(count), isMainThread)
    if (typeof control === 'number') throw joinError(failedCall(control))
    this.#control = control
  }

  /** Makes the buffer large enough for a driver of `maxInFlight` tokens. */
  reserve(maxInFlight: number): void {
    const words = (maxInFlight * EVENTS_PER_TOKEN + 1) * EVENT_WORDS
    if (words <= this.#events.length) return
    this.#events = new Int32Array(words)
    this.addon.useEvents(this.#events)
  }

  /** Submits one message of one segment. */
  submitOne(handle: number, segment: Uint8Array | undefined, token: number, flags: number): number {
    const control = this.#control
    control[0] = handle
    control[1] = token
    control[2] = flags
    return this.addon.submitOne(segment)
  }

  /** Hands the first `count` events of the buffer to the sinks. */
  dispatch(count: number): void {
    if (count > 0) this.dispatcher.dispatch(this.#events, count)
  }
}

/**
 * Where the addon's object carries its environment. Not a variable of this module: a second instance of it (a registry of modules that is reset, a
 * bundle beside the package) gets the same addon, whose events can go to one place only.
 */
const ENVIRONMENT = Symbol.for('sendzc.sendmsg.environment')

/**
 * The environment of this thread, made at the first call and shared by every instance of this module.
 * @throws ZeroCopyError ERR_ZC_PLATFORM
 */
export function addonEnvironment(): AddonEnvironment {
  const carrier = loadNative() as NativeAddon & { [ENVIRONMENT]?: AddonEnvironment }
  carrier[ENVIRONMENT] ??= new AddonEnvironment(carrier)
  return carrier[ENVIRONMENT]
}
