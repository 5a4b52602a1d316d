import type { Ending } from './endings.js'
import type { PendingWrite } from './pending-write.js'

/**
 * Writes of the writer and turns of the socket's own bytes that wait, in the order of the calls. The entries hold the links of the
 * list, so that adding, removing and going through the list allocates nothing, and removing takes the same time anywhere. The writer
 * bounds the length of the list.
 */
export class WriteQueue {
  #first: PendingWrite | undefined
  #last: PendingWrite | undefined
  #length = 0
  #unsentBytes = 0
  #sequence = 0

  /** Writes in the queue, without the turns. */
  get length(): number {
    return this.#length
  }

  /** Bytes of the queued writes that the kernel still has to take. */
  get unsentBytes(): number {
    return this.#unsentBytes
  }

  /** The position of the next entry in the order of calls. */
  get sequence(): number {
    return this.#sequence
  }

  /** Takes the position of the next entry. */
  takeSequence(): number {
    return this.#sequence++
  }

  /** The first write or turn; its successors follow by `next`. */
  get first(): PendingWrite | undefined {
    return this.#first
  }

  push(write: PendingWrite): void {
    write.previous = this.#last
    if (this.#last === undefined) this.#first = write
    else this.#last.next = write
    this.#last = write
    this.#count(write, 1)
  }

  /** Takes the first entry; the caller has checked that the queue has one. */
  shift(): PendingWrite {
    const write = this.#first as PendingWrite
    this.#first = write.next
    if (write.next === undefined) this.#last = undefined
    else write.next.previous = undefined
    write.next = undefined
    this.#count(write, -1)
    return write
  }

  /** Puts `write`, which is outside of the queue, in front of everything. */
  unshift(write: PendingWrite): void {
    this.#insertBefore(this.#first, write)
  }

  /** Puts a write back that was taken: to its place in the order of calls, which is near the front. */
  putBack(write: PendingWrite): void {
    let behind = this.#first
    while (behind !== undefined && behind.sequence < write.sequence) behind = behind.next
    this.#insertBefore(behind, write)
  }

  /**
   * Puts datagrams back that the kernel did not take. One that has failed stays out, and so does one whose signal was aborted meanwhile.
   * @param ending - set: nothing more is sent, and each fails with it
   */
  putBackUnsent(writes: readonly PendingWrite[], ending: Ending | undefined): void {
    for (const write of writes) {
      if (write.ended) continue
      if (ending !== undefined) write.fail(ending, true)
      else if (write.settled) write.completeSent()
      else this.putBack(write)
    }
  }

  /** @returns whether `write` was in the queue */
  remove(write: PendingWrite): boolean {
    const { previous, next } = write
    if (previous === undefined && this.#first !== write) return false
    if (previous === undefined) this.#first = next
    else previous.next = next
    if (next === undefined) this.#last = previous
    else next.previous = previous
    write.previous = undefined
    write.next = undefined
    this.#count(write, -1)
    return true
  }

  /** The kernel took `bytes` of the first write. */
  firstSent(bytes: number): void {
    const write = this.#first as PendingWrite
    write.sentBytes += bytes
    this.#unsentBytes -= bytes
  }

  /** Empties the queue, and returns its entries. */
  takeAll(): PendingWrite[] {
    const all: PendingWrite[] = []
    while (this.#first !== undefined) all.push(this.shift())
    return all
  }

  #insertBefore(behind: PendingWrite | undefined, write: PendingWrite): void {
    if (behind === undefined) {
      this.push(write)
      return
    }
    write.next = behind
    write.previous = behind.previous
    if (behind.previous === undefined) this.#first = write
    else behind.previous.next = write
    behind.previous = write
    this.#count(write, 1)
  }

  #count(write: PendingWrite, sign: 1 | -1): void {
    if (!write.isOwn) return
    this.#length += sign
    this.#unsentBytes += sign * (write.bytes - write.sentBytes)
  }
}
