import { bounded } from './bounded.js'

/** The other end of a connected pair. */
export interface Peer {
  /**
   * Stream: the next `bytes` bytes that arrived. On a datagram peer see {@link readDatagram}.
   * @throws WaitTimeout after the bound of one wait; Error where the connection ended before
   */
  read(bytes: number): Promise<Uint8Array>
  /** Datagram: the next datagram that arrived. */
  readDatagram(): Promise<Uint8Array>
  /** Bytes that arrived and were not read yet. */
  readonly unreadBytes: number
  /** Datagrams that arrived and were not read yet. */
  readonly unreadDatagrams: number
  /** Stops taking bytes from the connection, so that the sender stalls. Streams only. */
  pause(): void
  /** Takes bytes again. Streams only. */
  resume(): void
  /** Ends the connection with a reset (TCP: RST). Streams only. */
  reset(): void
  /** Resolves when the connection has ended from this side's view: end, reset, or error. */
  readonly ended: Promise<void>
}

/** The answer of `openPair`: a connected socket for the writer, and its peer. */
export interface ConnectedPair {
  /** Anything that `openWriter` takes. */
  target: unknown
  /** Descriptor of the target, for `Backend.open`. */
  fd: number
  peer: Peer
  /** Bytes that surely exceed what the connection holds while its peer does not read. */
  stallBytes: number
  /** Largest datagram that arrives. Only for datagram pairs. */
  maxDatagramBytes?: number
  /** Closes both ends. Called once. */
  dispose(): Promise<void>
}

/** Data that arrived and waits for a reader; both kinds of peer are built on it. */
export class Inbox {
  /** Resolves at {@link end}. */
  readonly ended: Promise<void>
  #chunks: Uint8Array[] = []
  #bytes = 0
  #hasEnded = false
  #markEnded!: () => void
  #arrival: (() => void) | undefined
  #lastRead: Promise<unknown> = Promise.resolve()

  constructor() {
    this.ended = new Promise((resolve) => {
      this.#markEnded = resolve
    })
  }

  /** Bytes that arrived and were not read yet. */
  get bytes(): number {
    return this.#bytes
  }

  /** Chunks that arrived and were not read yet. */
  get chunks(): number {
    return this.#chunks.length
  }

  /** Adds a chunk that arrived. The inbox keeps its memory. */
  push(chunk: Uint8Array): void {
    this.#chunks.push(chunk)
    this.#bytes += chunk.byteLength
    this.#arrival?.()
  }

  /** The connection has ended: reads of more bytes than arrived fail. */
  end(): void {
    this.#hasEnded = true
    this.#markEnded()
    this.#arrival?.()
  }

  /** The next `bytes` bytes, in one piece. Reads are answered in the order of their calls. */
  read(bytes: number): Promise<Uint8Array> {
    return this.#inTurn(() => this.#read(bytes))
  }

  /** The next chunk as it came: a datagram. */
  readChunk(): Promise<Uint8Array> {
    return this.#inTurn(() => this.#readChunk())
  }

  #inTurn<T>(read: () => Promise<T>): Promise<T> {
    const result = this.#lastRead.then(read)
    this.#lastRead = result.catch(() => undefined)
    return result
  }

  async #read(bytes: number): Promise<Uint8Array> {
    await this.#when(
      () => this.#bytes >= bytes,
      () => `${bytes} bytes at the peer (${this.#bytes} arrived)`,
    )
    const taken = new Uint8Array(bytes)
    let at = 0
    while (at < bytes) {
      const chunk = this.#chunks[0] as Uint8Array
      const piece = chunk.subarray(0, bytes - at)
      taken.set(piece, at)
      at += piece.byteLength
      if (piece.byteLength === chunk.byteLength) this.#chunks.shift()
      else this.#chunks[0] = chunk.subarray(piece.byteLength)
    }
    this.#bytes -= bytes
    return taken
  }

  async #readChunk(): Promise<Uint8Array> {
    await this.#when(
      () => this.#chunks.length > 0,
      () => 'a datagram at the peer',
    )
    const chunk = this.#chunks.shift() as Uint8Array
    this.#bytes -= chunk.byteLength
    return chunk
  }

  async #when(arrived: () => boolean, what: () => string): Promise<void> {
    if (arrived()) return
    const arrival = new Promise<void>((resolve, reject) => {
      this.#arrival = () => {
        if (arrived()) resolve()
        else if (this.#hasEnded) reject(new Error(`the connection ended before ${what()}`))
      }
      this.#arrival()
    })
    try {
      await bounded(arrival, 'arrival').catch((error: unknown) => {
        throw error instanceof Error && error.name === 'WaitTimeout' ? new Error(`timeout: ${what()}`, { cause: error }) : error
      })
    } finally {
      this.#arrival = undefined
    }
  }
}

/** A peer whose data arrives in `inbox`. */
export function peerReading(inbox: Inbox, controls: Pick<Peer, 'pause' | 'resume' | 'reset'>): Peer {
  return {
    ...controls,
    read: (bytes) => inbox.read(bytes),
    readDatagram: () => inbox.readChunk(),
    get unreadBytes() {
      return inbox.bytes
    },
    get unreadDatagrams() {
      return inbox.chunks
    },
    ended: inbox.ended,
  }
}
