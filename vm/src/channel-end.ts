/**
 * Passes a channel's bytes on, except for the mark that ends them. The guest writes the mark after the
 * command's last byte: only so does the host know that nothing is left in a queue of the virtual machine.
 */
export class MarkedChannel {
  readonly #mark: Buffer
  readonly #deliver: (bytes: Buffer) => void
  #held: Buffer = Buffer.alloc(0)
  #ended = false

  /**
   * @param mark bytes that the command cannot be expected to write
   * @param deliver gets the command's bytes, in order
   */
  constructor(mark: string, deliver: (bytes: Buffer) => void) {
    this.#mark = Buffer.from(mark, 'latin1')
    this.#deliver = deliver
  }

  /** Whether the mark has been seen. */
  get ended(): boolean {
    return this.#ended
  }

  /** Takes what arrived; bytes after the mark are dropped. */
  push(chunk: Buffer): void {
    if (this.#ended) return
    const bytes = this.#held.length === 0 ? chunk : Buffer.concat([this.#held, chunk])
    const at = bytes.indexOf(this.#mark)
    if (at >= 0) {
      this.#ended = true
      this.#held = Buffer.alloc(0)
      this.#pass(bytes.subarray(0, at))
      return
    }
    const keep = this.#partialMarkLength(bytes)
    this.#held = Buffer.from(bytes.subarray(bytes.length - keep))
    this.#pass(bytes.subarray(0, bytes.length - keep))
  }

  /** The channel closed without a mark: what was held back belongs to the command. */
  flush(): void {
    const held = this.#held
    this.#held = Buffer.alloc(0)
    this.#pass(held)
  }

  #pass(bytes: Buffer): void {
    if (bytes.length > 0) this.#deliver(bytes)
  }

  /** Length of the longest end of `bytes` that could be the mark's beginning. */
  #partialMarkLength(bytes: Buffer): number {
    for (let length = Math.min(this.#mark.length - 1, bytes.length); length > 0; length--) {
      if (bytes.subarray(bytes.length - length).equals(this.#mark.subarray(0, length))) return length
    }
    return 0
  }
}
