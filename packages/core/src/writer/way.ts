import { clock } from './clock.js'

/** Ways that are remembered; one more displaces the one that was learned first. */
const MAX_WAYS = 1_024
/** How long, in ms, it is believed that the kernel copies on a way: routes, devices and their offloads change. */
const MAX_WAY_AGE_MS = 60_000

/** What senders have learned of the way to one peer address: whether the kernel copies all the same. */
export class Way {
  /** Notifications in a row that said "copied". */
  copiedInARow = 0
  /** Sends by copy before zero-copy is tried again, once it was given up. */
  sendsUntilRetry = 0
  readonly sinceMs: number

  constructor(sinceMs = 0) {
    this.sinceMs = sinceMs
  }
}

/** The ways of this thread, by the addresses of both ends. Bounded in number and in age. */
export class Ways {
  readonly #ways = new Map<string, Way>()
  readonly #maxWays: number
  readonly #maxAgeMs: number

  constructor(maxWays: number = MAX_WAYS, maxAgeMs: number = MAX_WAY_AGE_MS) {
    this.#maxWays = maxWays
    this.#maxAgeMs = maxAgeMs
  }

  /** The way between two addresses; a new one where none is known, or what is known is old. */
  find(localAddress: string | undefined, remoteAddress: string | undefined): Way {
    const key = `${localAddress}>${remoteAddress}`
    const nowMs = clock.now()
    const known = this.#ways.get(key)
    if (known !== undefined && nowMs - known.sinceMs < this.#maxAgeMs) return known
    // Set anew, it is the youngest in the order of the map.
    this.#ways.delete(key)
    const way = new Way(nowMs)
    this.#ways.set(key, way)
    if (this.#ways.size > this.#maxWays) {
      const [oldest] = this.#ways.keys()
      this.#ways.delete(oldest as string)
    }
    return way
  }
}
