import type { Socket } from 'node:net'
import { ZeroCopyError } from '../errors.js'

/** What of a net.Socket is replaced while a writer is open on it. */
type Writing = Pick<Socket, 'write'> & {
  _write: (chunk: unknown, encoding: string, callback: (error?: Error | null) => void) => void
  _writev?: unknown
  _final: (callback: (error?: Error | null) => void) => void
}

/**
 * Takes over the sending half of a `net.Socket` while a writer is open on it; reading stays Node's.
 *
 * Bytes of `socket.write()` and of the writer would interleave in an order that nobody can state, since Node queues on its own. So
 * `socket.write()` throws ERR_ZC_SOCKET_OWNED until the writer is closed. `socket.end()` keeps its meaning: the FIN follows
 * everything that the writer was given.
 */
export class NetSocketLease {
  readonly #socket: Socket & Writing
  readonly #drained: () => Promise<void>
  readonly #saved: Partial<Record<keyof Writing, PropertyDescriptor | undefined>> = {}
  #waitingFinals: (() => void)[] = []
  #ended = false

  /**
   * @param drained - resolves when the writer has sent and released everything it was given so far
   */
  constructor(socket: Socket, drained: () => Promise<void>) {
    this.#socket = socket as Socket & Writing
    this.#drained = drained
    this.#replace('write', () => {
      throw owned()
    })
  }

  /** Called when what `socket.write()` was given before has left: from here on Node's stream sends nothing. */
  takeOver(): void {
    // For whoever holds Writable.prototype.write itself.
    this.#replace('_write', (_chunk: unknown, _encoding: string, callback: (error: Error) => void) => callback(owned()))
    this.#replace('_writev', undefined)
    const final = this.#socket._final
    this.#replace('_final', (callback: (error?: Error | null) => void) => {
      const proceed = (): void => final.call(this.#socket, callback)
      if (this.#ended) {
        proceed()
        return
      }
      this.#waitingFinals.push(proceed)
      void this.#drained().then(() => this.#runFinals())
    })
  }

  /** Gives the sending half back. */
  end(): void {
    if (this.#ended) return
    this.#ended = true
    for (const name of Object.keys(this.#saved) as (keyof Writing)[]) {
      const saved = this.#saved[name]
      if (saved === undefined) delete (this.#socket as Partial<Writing>)[name]
      else Object.defineProperty(this.#socket, name, saved)
    }
    this.#runFinals()
  }

  #runFinals(): void {
    const finals = this.#waitingFinals
    this.#waitingFinals = []
    for (const proceed of finals) proceed()
  }

  #replace(name: keyof Writing, value: unknown): void {
    this.#saved[name] = Object.getOwnPropertyDescriptor(this.#socket, name)
    Object.defineProperty(this.#socket, name, { value, configurable: true, writable: true, enumerable: false })
  }
}

function owned(): ZeroCopyError {
  return new ZeroCopyError('ERR_ZC_SOCKET_OWNED', 'A writer is open on this socket, so socket.write() would interleave with it.', {
    remedy: 'Write through the writer, or close it first.',
  })
}
