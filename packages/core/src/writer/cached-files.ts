/** How long it holds, in milliseconds, that memory has the bytes of a file. */
const CACHED_FOR_MS = 1_000
/** Files that are remembered at most. */
const MAX_CACHED_FILES = 256

/** A range of a file. */
export interface FileRange {
  /** st_ino; 0 where the driver does not say: such a file is not remembered. */
  inode: number
  /** st_ctim in seconds: a number that is free goes to the next file. */
  changedAt: number
  offset: number
  bytes: number
}

/** Bytes of a file that were found in the page cache, and when the first of them were. */
interface CachedRange {
  changedAt: number
  from: number
  to: number
  sinceMs: number
}

/**
 * What the page cache was found to have. A look costs a walk over all pages of the range, which for pages of 4 KiB is a tenth of what sending them
 * costs (`cachestat(2)`), and a file that is sent again and again stays in memory. One that left it within {@link CACHED_FOR_MS} makes sendfile(2)
 * wait for its disk, as it may also do between a look and a send.
 */
export class CachedFiles {
  /** By inode, the oldest first. */
  readonly #ranges = new Map<number, CachedRange>()

  /** Whether these bytes were found not long ago. */
  has({ inode, changedAt, offset, bytes }: FileRange, nowMs: number): boolean {
    const range = this.#ranges.get(inode)
    if (range === undefined || range.changedAt !== changedAt || nowMs - range.sinceMs >= CACHED_FOR_MS) return false
    return range.from <= offset && offset + bytes <= range.to
  }

  /** These bytes were found in the page cache. */
  add({ inode, changedAt, offset, bytes }: FileRange, nowMs: number): void {
    if (inode === 0) return
    const range = this.#ranges.get(inode)
    if (range?.changedAt === changedAt && range.to === offset && nowMs - range.sinceMs < CACHED_FOR_MS) {
      range.to = offset + bytes
      return
    }
    this.#ranges.delete(inode)
    this.#ranges.set(inode, { changedAt, from: offset, to: offset + bytes, sinceMs: nowMs })
    if (this.#ranges.size <= MAX_CACHED_FILES) return
    const [oldest] = this.#ranges.keys()
    this.#ranges.delete(oldest as number)
  }
}
