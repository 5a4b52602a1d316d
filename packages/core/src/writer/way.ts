import { clock } from './clock.js'

/** Ways that are remembered; a further way displaces the oldest. */
const MAX_WAYS = 1_024
/** Age, in ms, at which a way is forgotten: routes, devices and their offloads change. */
const MAX_WAY_AGE_MS = 60_000

/** Knowledge of senders about the way to one peer address: whether the kernel copies what they share. */
export class Way {
  /** Notifications in a row that said "copied". */
  copiedInARow = 0
  /** Sends by copy before the next attempt at zero-copy, once zero-copy was given up. */
  sendsUntilRetry = 0
  readonly sinceMs: number

  constructor(sinceMs = 0) {
    this.sinceMs = sinceMs
  }

  /** Whether zero-copy was given up here: `demoteAfterCopied` notifications in a row said "copied"; 0 = never. */
  isDemoted(demoteAfterCopied: number): boolean {
    return demoteAfterCopied > 0 && this.copiedInARow >= demoteAfterCopied
  }

  /** Whether zero-copy was given up here, and the next send is no new attempt. */
  isResting(demoteAfterCopied: number): boolean {
    return this.isDemoted(demoteAfterCopied) && this.sendsUntilRetry > 0
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

  /** The way between two addresses; a new way where none is known, or the known way is too old. */
  find(localAddress: string | undefined, remoteAddress: string | undefined): Way {
    const key = `${localAddress}>${remoteAddress}`
    const nowMs = clock.now()
    const known = this.#ways.get(key)
    if (known !== undefined && nowMs - known.sinceMs < this.#maxAgeMs) return known
    // A new key makes the way the youngest in the order of the map.
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
