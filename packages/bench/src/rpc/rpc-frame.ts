/** Bytes before every request: its length, unsigned, little-endian. */
export const REQUEST_HEADER_BYTES = 4

/** Bytes of every answer. Their content means nothing. */
export const ANSWER_BYTES = 2

/** Largest request, in bytes without its header. */
export const MAX_REQUEST_BYTES = 16_777_216

/**
 * Counts whole requests in a stream of bytes that arrives in any pieces. Keeps no payload: only how much is still to come.
 */
export class RequestCounter {
  readonly #header = new Uint8Array(REQUEST_HEADER_BYTES)
  #headerBytes = 0
  #missingBytes = 0

  /**
   * @param piece - what arrived next
   * @returns how many requests ended in it
   * @throws RangeError for a request that is larger than {@link MAX_REQUEST_BYTES}: the other end speaks something else
   */
  push(piece: Uint8Array): number {
    let ended = 0
    for (let at = 0; at < piece.byteLength; ) {
      if (this.#headerBytes < REQUEST_HEADER_BYTES) {
        this.#header[this.#headerBytes++] = piece[at++] as number
        if (this.#headerBytes < REQUEST_HEADER_BYTES) continue
        this.#missingBytes = new DataView(this.#header.buffer).getUint32(0, true)
        if (this.#missingBytes > MAX_REQUEST_BYTES)
          throw new RangeError(`A request of ${this.#missingBytes} bytes: not a client of bench rpc.`)
      }
      const taken = Math.min(this.#missingBytes, piece.byteLength - at)
      at += taken
      this.#missingBytes -= taken
      if (this.#missingBytes > 0) continue
      this.#headerBytes = 0
      ended++
    }
    return ended
  }
}

/** The header of a request of so many bytes. */
export function requestHeader(bytes: number): Uint8Array {
  const header = new Uint8Array(REQUEST_HEADER_BYTES)
  new DataView(header.buffer).setUint32(0, bytes, true)
  return header
}
