import type { PendingWrite } from './pending-write.js'

/** Unsent writes in the order of their calls. Taking from the front is cheap; so is putting back what was just taken. */
export class WriteQueue {
  #items: (PendingWrite | undefined)[] = []
  #head = 0

  get length(): number {
    return this.#items.length - this.#head
  }

  /** Bytes of them that the kernel has not queued yet. */
  get unsentBytes(): number {
    let bytes = 0
    for (let index = 0; index < this.length; index++) bytes += this.at(index).bytes - this.at(index).sentBytes
    return bytes
  }

  /** The write at `index` from the front; the caller has checked `length`. */
  at(index: number): PendingWrite {
    return this.#items[this.#head + index] as PendingWrite
  }

  push(write: PendingWrite): void {
    this.#items.push(write)
  }

  shift(): PendingWrite {
    const write = this.#items[this.#head] as PendingWrite
    this.#items[this.#head++] = undefined
    // Amortised: the array is compacted when more than half of it is spent.
    if (this.#head > 64 && this.#head * 2 > this.#items.length) {
      this.#items = this.#items.slice(this.#head)
      this.#head = 0
    }
    return write
  }

  /** Puts a write that was taken back to its place in the order of calls. */
  putBack(write: PendingWrite): void {
    let at = this.#head
    while (at < this.#items.length && (this.#items[at] as PendingWrite).sequence < write.sequence) at++
    if (at === this.#head && this.#head > 0) {
      this.#items[--this.#head] = write
    } else {
      this.#items.splice(at, 0, write)
    }
  }

  remove(write: PendingWrite): boolean {
    const at = this.#items.indexOf(write, this.#head)
    if (at < 0) return false
    this.#items.splice(at, 1)
    return true
  }

  /** Empties the queue and returns what was in it. */
  takeAll(): PendingWrite[] {
    const all = this.#items.slice(this.#head) as PendingWrite[]
    this.#items = []
    this.#head = 0
    return all
  }
}
