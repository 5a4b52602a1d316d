/**
 * A segment as the fake kernel has it. As on a real kernel it shows what its owner writes into the memory, and a transfer of the memory does not move
 * it: pinned memory stays where it is.
 */
export class PinnedSegment {
  readonly byteLength: number
  readonly #live: Uint8Array
  /** JavaScript alone can't keep memory from being transferred: what it held then is taken from here. */
  readonly #kept: Uint8Array

  private constructor(live: Uint8Array, kept: Uint8Array) {
    this.byteLength = live.byteLength
    this.#live = live
    this.#kept = kept
  }

  /** Shares the memory of the first `bytes` bytes of `segment`. */
  static shared(segment: Segment, bytes: number = segment.byteLength): PinnedSegment {
    if (segment instanceof PinnedSegment) return segment
    const live = segment.subarray(0, bytes)
    // Not `slice()`: that of a Buffer shares the memory.
    return new PinnedSegment(live, new Uint8Array(live))
  }

  /** Copies the first `bytes` bytes of `segment`. */
  static copied(segment: Segment, bytes: number): PinnedSegment {
    const copy = new Uint8Array(segment instanceof PinnedSegment ? segment.read(0, bytes) : segment.subarray(0, bytes))
    return new PinnedSegment(copy, copy)
  }

  /** The present content of the bytes from `begin` up to `end`. */
  read(begin: number, end: number): Uint8Array {
    const transferred = this.#live.byteLength < this.byteLength
    return (transferred ? this.#kept : this.#live).subarray(begin, end)
  }
}

/** Memory of a message: pinned once it waits in the kernel. */
export type Segment = Uint8Array | PinnedSegment
