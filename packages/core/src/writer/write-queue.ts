import type { PendingWrite } from './pending-write.js'

/** Places of a new queue; a power of two, as every later number. */
const FIRST_PLACES = 64

/** Unsent writes in the order of their calls: a ring, so that going through it allocates nothing. The writer bounds its length. */
export class WriteQueue {
  #places = new Array<PendingWrite | undefined>(FIRST_PLACES).fill(undefined)
  #head = 0
  #length = 0

  get length(): number {
    return this.#length
  }

  /** Bytes of them that the kernel has not queued yet. */
  get unsentBytes(): number {
    let bytes = 0
    for (let index = 0; index < this.#length; index++) bytes += this.at(index).bytes - this.at(index).sentBytes
    return bytes
  }

  /** The write at `index` from the front; the caller has checked `length`. */
  at(index: number): PendingWrite {
    return this.#places[(this.#head + index) & (this.#places.length - 1)] as PendingWrite
  }

  push(write: PendingWrite): void {
    this.#makeRoom()
    this.#length++
    this.#put(this.#length - 1, write)
  }

  /** Takes the first one; the caller has checked `length`. */
  shift(): PendingWrite {
    const write = this.#places[this.#head] as PendingWrite
    this.#places[this.#head] = undefined
    this.#head = (this.#head + 1) & (this.#places.length - 1)
    this.#length--
    return write
  }

  /** Puts a write that was taken back to its place in the order of calls, which is near the front. */
  putBack(write: PendingWrite): void {
    this.#makeRoom()
    let before = 0
    while (before < this.#length && this.at(before).sequence < write.sequence) before++
    this.#head = (this.#head - 1) & (this.#places.length - 1)
    this.#length++
    for (let index = 0; index < before; index++) this.#put(index, this.at(index + 1))
    this.#put(before, write)
  }

  /** @returns whether it was in the queue */
  remove(write: PendingWrite): boolean {
    let found = 0
    while (found < this.#length && this.at(found) !== write) found++
    if (found === this.#length) return false
    for (let index = found; index > 0; index--) this.#put(index, this.at(index - 1))
    this.shift()
    return true
  }

  /** Empties the queue and returns what was in it. */
  takeAll(): PendingWrite[] {
    const all = this.#toArray()
    this.#places = new Array<PendingWrite | undefined>(FIRST_PLACES).fill(undefined)
    this.#head = 0
    this.#length = 0
    return all
  }

  #put(index: number, write: PendingWrite): void {
    this.#places[(this.#head + index) & (this.#places.length - 1)] = write
  }

  #makeRoom(): void {
    if (this.#length < this.#places.length) return
    const all = this.#toArray()
    this.#places = [...all, ...new Array<undefined>(all.length).fill(undefined)]
    this.#head = 0
  }

  #toArray(): PendingWrite[] {
    return Array.from({ length: this.#length }, (_, index) => this.at(index))
  }
}
