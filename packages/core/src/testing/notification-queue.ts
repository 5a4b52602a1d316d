/**
 * How published ids look: merged in order, one by one, or scattered: split at random, delayed, and truly out of order, since
 * the fake device then reads one send before another that was queued earlier (the peer puts them in order again).
 */
export type RangeShape = 'coalesced' | 'single' | 'scattered'

/** An inclusive range of ids that wraps. */
export interface NotificationRange {
  lo: number
  hi: number
  copied: boolean
}

/** The notification ids of one socket: from the send that takes an id to the collection of its range. */
export class NotificationQueue {
  readonly #ranges: RangeShape
  readonly #copiedFraction: number
  readonly #random: () => number
  /** Ids that the kernel is done with, and that no range holds yet. */
  readonly #finished: { id: number; copied: boolean }[] = []
  readonly #published: NotificationRange[] = []
  #nextId: number
  #uncollected = 0

  /** @param random - the choices of a socket; each id draws one number */
  constructor(options: { firstId: number; ranges: RangeShape; copiedFraction: number }, random: () => number) {
    this.#ranges = options.ranges
    this.#copiedFraction = options.copiedFraction
    this.#random = random
    this.#nextId = options.firstId >>> 0
  }

  /** Id that the next zero-copy send gets. */
  get nextId(): number {
    return this.#nextId
  }

  /** Ids that were taken and are not collected. */
  get uncollected(): number {
    return this.#uncollected
  }

  get canBeCollected(): boolean {
    return this.#published.length > 0
  }

  get hasUnpublished(): boolean {
    return this.#finished.length > 0
  }

  takeId(): number {
    const id = this.#nextId
    this.#nextId = (id + 1) >>> 0
    this.#uncollected++
    return id
  }

  /** The kernel is done with the memory of this id. */
  finish(id: number): void {
    this.#finished.push({ id, copied: this.#random() < this.#copiedFraction })
  }

  /**
   * Publishes finished ids as ranges.
   * @param everything - also where `'scattered'` would hold some back
   */
  publish(everything: boolean): void {
    if (this.#finished.length === 0) return
    if (this.#ranges !== 'scattered') {
      const merge = this.#ranges === 'coalesced'
      for (const { id, copied } of this.#finished.splice(0)) appendId(this.#published, id, copied, merge)
      return
    }
    const runs: NotificationRange[] = []
    for (const { id, copied } of this.#finished.splice(0)) appendId(runs, id, copied, this.#random() < 0.6)
    while (runs.length > 0) {
      const [run] = runs.splice(Math.floor(this.#random() * runs.length), 1) as [NotificationRange]
      // Some come later, behind ids that finished after them.
      if (!everything && runs.length > 0 && this.#random() < 0.4) this.#unpublish(run)
      else this.#published.push(run)
    }
  }

  #unpublish(range: NotificationRange): void {
    forEachId(range.lo, range.hi, (id) => this.#finished.push({ id, copied: range.copied }))
  }

  /** Takes the oldest ranges, `maxRanges` at most. */
  collect(maxRanges: number): NotificationRange[] {
    const ranges = this.#published.splice(0, maxRanges)
    for (const range of ranges) this.#uncollected -= ((range.hi - range.lo) >>> 0) + 1
    return ranges
  }
}

/** Visits every id of an inclusive range that may wrap past 0xffffffff. Counts, never compares: `i <= hi` does not end at the wrap. */
export function forEachId(lo: number, hi: number, visit: (id: number) => void): void {
  const count = ((hi - lo) >>> 0) + 1
  for (let step = 0; step < count; step++) visit((lo + step) >>> 0)
}

function appendId(ranges: NotificationRange[], id: number, copied: boolean, merge: boolean): void {
  const last = ranges.at(-1)
  if (merge && last !== undefined && last.copied === copied && (last.hi + 1) >>> 0 === id) last.hi = id
  else ranges.push({ lo: id, hi: id, copied })
}
