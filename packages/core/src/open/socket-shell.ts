import type { Socket } from 'node:net'

/** Tells Node's stream that chunks were taken, or have failed. */
export type WriteCallback = (error?: Error | null) => void

/** A chunk as `_writev` gets it. */
export interface BufferedChunk {
  chunk: Uint8Array | string
  encoding: string
}

/** Methods of a `net.Socket` that a lease stands in for. */
export interface SocketMethods {
  write: (...args: unknown[]) => boolean
  end: (...args: unknown[]) => Socket
  ref: () => Socket
  unref: () => Socket
  _write: (chunk: Uint8Array | string, encoding: string, callback: WriteCallback) => void
  _writev: (chunks: BufferedChunk[], callback: WriteCallback) => void
  _final: (callback: WriteCallback) => void
  _destroy: (error: Error | null, callback: WriteCallback) => void
}

/** Answers the calls instead of the socket, while it has the socket. */
export interface ShellTenant extends SocketMethods {
  /** The tenant's own bytes that wait to be sent. */
  readonly queuedBytes: number
  /** The tenant's own bytes that it has accepted. */
  readonly acceptedBytes: number
}

const NAMES = ['write', 'end', 'ref', 'unref', '_write', '_writev', '_final', '_destroy'] as const
const shellOf = Symbol('sendzc shell')

interface ShellSocket {
  [shellOf]?: SocketShell
}

/**
 * Stands around a `net.Socket` from its first lease on. Hands the socket's calls to the tenant, or to the socket where there is no tenant. The
 * shell stays: taking properties away from an object is dear, and a server opens a writer for each response. So the bytes of all writers stay in
 * the socket's `bytesWritten`, too.
 */
export class SocketShell {
  tenant: ShellTenant | undefined
  /** The socket's own methods. */
  readonly methods: SocketMethods
  /** Bytes that tenants before this one have accepted. */
  #earlierBytes = 0

  private constructor(socket: Socket & SocketMethods & ShellSocket) {
    const { write, end, ref, unref, _write, _writev, _final, _destroy } = socket
    this.methods = { write, end, ref, unref, _write, _writev, _final, _destroy }
    Object.defineProperty(socket, shellOf, { value: this })
    for (const name of NAMES) Object.defineProperty(socket, name, REPLACEMENTS[name])
    this.#addTo(socket, 'writableLength', () => this.tenant?.queuedBytes ?? 0)
    // Node's own getter of `bytesWritten` begins with this property.
    this.#addTo(socket, '_bytesDispatched', () => this.#earlierBytes + (this.tenant?.acceptedBytes ?? 0))
  }

  /** The shell of `socket`; a new shell where the socket has none. */
  static around(socket: Socket): SocketShell {
    const shelled = socket as unknown as Socket & SocketMethods & ShellSocket
    return shelled[shellOf] ?? new SocketShell(shelled)
  }

  /** The tenant leaves. */
  vacate(): void {
    this.#earlierBytes += this.tenant?.acceptedBytes ?? 0
    this.tenant = undefined
  }

  #addTo(socket: Socket, name: string, more: () => number): void {
    const getter = getterOf(socket, name)
    if (getter === undefined) return
    Object.defineProperty(socket, name, { get: () => (getter.call(socket) as number) + more(), configurable: true })
  }
}

/** Functions that all sockets share, so that their shapes stay alike. */
const REPLACEMENTS = Object.fromEntries(
  NAMES.map((name) => [
    name,
    {
      value(this: Socket & ShellSocket, ...args: unknown[]): unknown {
        const { tenant, methods } = this[shellOf] as SocketShell
        if (tenant !== undefined) return (tenant[name] as (...args: unknown[]) => unknown)(...args)
        return (methods[name] as (...args: unknown[]) => unknown).apply(this, args)
      },
      configurable: true,
      // Node.js itself assigns another `write` when the peer has ended.
      writable: true,
      enumerable: false,
    } satisfies PropertyDescriptor,
  ]),
) as unknown as Record<(typeof NAMES)[number], PropertyDescriptor>

/** The getter of a property that an object has or inherits. */
function getterOf(object: object, name: string): (() => unknown) | undefined {
  for (let at = object; at !== null; at = Object.getPrototypeOf(at)) {
    const { get } = Object.getOwnPropertyDescriptor(at, name) ?? {}
    if (get !== undefined) return get
  }
  return undefined
}
