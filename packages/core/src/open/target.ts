import type { Socket as DgramSocket } from 'node:dgram'
import type { Socket as NetSocket } from 'node:net'
import { unfitForAddons } from '../driver/load-addon.js'
import { ZeroCopyError } from '../errors.js'

/** A descriptor number, or an object that owns one. It stays the caller's. */
export type DescriptorTarget = number | { readonly fd: number }

/**
 * Target of a writer: a connected socket without TLS, or a bound UDP socket, whose writes then name their receivers. A `net.Socket` beneath a
 * `tls.TLSSocket` is refused; the descriptor of one looks like any
 * other, and bytes that a writer sends through it are unencrypted. Pass a `dgram.Socket` itself instead of its descriptor: libuv 1.52 and later (Node.js 24) takes the socket's
 * notifications unless the writer knows the socket.
 */
export type WriterTarget = NetSocket | DgramSocket | DescriptorTarget

/** Stands for the descriptor of a socket object whose runtime shows none. */
export const NO_DESCRIPTOR = -1

/** A target after inspection. */
export interface ResolvedTarget {
  /** {@link NO_DESCRIPTOR} only where no addon can run. */
  fd: number
  /** Set where the target is a net.Socket. */
  netSocket?: NetSocket
  /** Set where the target is a dgram.Socket. */
  dgramSocket?: DgramSocket
  /** Set where the target is an object that emits `'close'`. */
  closing?: NetSocket | DgramSocket
}

/** `res.socket` of node:http is null once the response has ended, its client has left, or the next request of the connection is served. */
const DETACHED_RESPONSE_REMEDY =
  'A node:http response has no socket (res.socket) once it is finished or its client has left: keep req.socket.'

interface HttpInternals {
  _httpMessage?: { _headerSent?: boolean; chunkedEncoding?: boolean; finished?: boolean } | null
}

interface NetInternals {
  _handle?: { fd?: number; fdForIpc?: () => unknown; constructor: { name: string } } | null
  encrypted?: boolean
}

/**
 * Finds the descriptor of a target. Refuses a target that can never work, before any system call.
 * @throws ZeroCopyError
 */
export function resolveTarget(target: WriterTarget): ResolvedTarget {
  if (typeof target === 'number') return { fd: checkDescriptor(target) }
  if (typeof target !== 'object' || target === null) {
    throw new ZeroCopyError(
      'ERR_ZC_INVALID_ARGUMENT',
      `openWriter() takes a net.Socket, a dgram.Socket or a descriptor, not ${target === null ? 'null' : typeof target}.`,
      target === null || target === undefined ? { remedy: DETACHED_RESPONSE_REMEDY } : {},
    )
  }
  if (isDgram(target)) return resolveDgram(target)
  if (isNet(target)) return resolveNet(target)
  if ('fd' in target) return { fd: checkDescriptor(target.fd) }
  throw new ZeroCopyError('ERR_ZC_INVALID_ARGUMENT', 'openWriter() takes a net.Socket, a dgram.Socket or a descriptor.')
}

function checkDescriptor(fd: unknown): number {
  if (typeof fd === 'number' && Number.isInteger(fd) && fd >= 0 && fd <= 0x7fff_ffff) return fd
  throw new ZeroCopyError('ERR_ZC_BAD_DESCRIPTOR', `${String(fd)} is not an open descriptor.`, { errno: 'EBADF' })
}

/** Windows shows no descriptor of a socket, and Bun none of a datagram socket. */
function descriptorOfObject(fd: unknown): number {
  const shown = typeof fd === 'number' && fd >= 0
  return !shown && unfitForAddons() !== undefined ? NO_DESCRIPTOR : checkDescriptor(fd)
}

function isNet(target: object): target is NetSocket {
  return 'connecting' in target && 'setNoDelay' in target
}

function isDgram(target: object): target is DgramSocket {
  return 'remoteAddress' in target && typeof target.remoteAddress === 'function' && 'setBroadcast' in target
}

function resolveNet(socket: NetSocket): ResolvedTarget {
  const { _handle: handle, encrypted } = socket as NetSocket & NetInternals
  if (encrypted === true) {
    throw new ZeroCopyError('ERR_ZC_UNSUPPORTED_SOCKET', 'A TLS socket encrypts: what is sent is not the memory of the caller.', {
      remedy: 'Use a plain TCP socket, or kernel TLS.',
    })
  }
  if (socket.destroyed) {
    throw new ZeroCopyError('ERR_ZC_CLOSED', 'The socket is closed.')
  }
  if (socket.connecting || handle === undefined || handle === null) {
    throw new ZeroCopyError('ERR_ZC_NOT_CONNECTED', 'The socket is not connected yet.', { remedy: "Wait for its 'connect' event." })
  }
  if (handle.constructor.name === 'Pipe') {
    throw new ZeroCopyError('ERR_ZC_UNSUPPORTED_SOCKET', 'AF_UNIX sockets and pipes have no zero-copy: they copy within this machine.', {
      remedy: 'Use socket.write().',
    })
  }
  refuseOwnedHandle(socket)
  refuseUnfinishedHead(socket)
  if (socket.writableEnded || !socket.writable) {
    throw new ZeroCopyError('ERR_ZC_CLOSED', 'The socket was ended: nothing can be sent any more.')
  }
  // Deno's handle has a method for it.
  return { fd: descriptorOfObject(handle.fd ?? handle.fdForIpc?.()), netSocket: socket, closing: socket }
}

/** Refuses a socket beneath a session. The session writes at the handle, past any JavaScript: bytes in between would corrupt the session. */
export function refuseOwnedHandle(socket: NetSocket): void {
  const { _handle: handle } = socket as NetSocket & NetInternals
  // A TLSSocket defines a getter of `reading` on the handle of the socket beneath it.
  if (handle != null && Object.getOwnPropertyDescriptor(handle, 'reading')?.get !== undefined) {
    throw new ZeroCopyError('ERR_ZC_UNSUPPORTED_SOCKET', 'A TLS session runs over this socket: bytes beside it would corrupt it.', {
      remedy: 'Use a plain TCP socket, or kernel TLS.',
    })
  }
  if (isHttp2(socket)) {
    throw new ZeroCopyError('ERR_ZC_UNSUPPORTED_SOCKET', 'An HTTP/2 session runs over this socket: bytes beside it would corrupt it.', {
      remedy: 'Serve HTTP/1.1 where bodies are to be sent without a copy, or write to the HTTP/2 stream.',
    })
  }
}

function isHttp2(socket: NetSocket): boolean {
  const { server } = socket as NetSocket & { server?: object | null }
  if (server != null && server.constructor.name === 'Http2Server') return true
  // A session is a property of its socket.
  for (const value of Object.values(socket)) {
    if (typeof value !== 'object' || value === null) continue
    const name = (value as object).constructor?.name
    if (name === 'ServerHttp2Session' || name === 'ClientHttp2Session') return true
  }
  return false
}

/** Refuses a socket whose HTTP message has an unsent head, or a chunked body: Node.js frames its bytes and leaves no place for others. */
function refuseUnfinishedHead(socket: NetSocket): void {
  const { _httpMessage: message } = socket as NetSocket & HttpInternals
  if (message == null || message.finished === true) return
  if (message._headerSent !== true) {
    throw new ZeroCopyError('ERR_ZC_UNSUPPORTED_SOCKET', 'The head of the HTTP message on this socket is not sent yet.', {
      remedy: 'Call writeHead() with a Content-Length, then flushHeaders(), before openWriter().',
    })
  }
  if (message.chunkedEncoding === true) {
    throw new ZeroCopyError(
      'ERR_ZC_UNSUPPORTED_SOCKET',
      'The HTTP message on this socket is chunked: bytes between its chunks would corrupt it.',
      {
        remedy: 'Set Content-Length before the head is sent.',
      },
    )
  }
}

function resolveDgram(socket: DgramSocket): ResolvedTarget {
  try {
    // Throws on a socket that is closed or was never bound; connected or not, a bound socket has a descriptor.
    socket.address()
  } catch (cause) {
    const closed = cause instanceof Error && 'code' in cause && cause.code === 'ERR_SOCKET_DGRAM_NOT_RUNNING'
    throw closed
      ? new ZeroCopyError('ERR_ZC_CLOSED', 'The socket is closed.', { cause })
      : new ZeroCopyError('ERR_ZC_NOT_CONNECTED', 'The UDP socket is neither bound nor connected.', {
          cause,
          remedy: "Call socket.bind() or socket.connect(), and wait for 'listening' or 'connect'.",
        })
  }
  return { fd: descriptorOfObject(dgramDescriptor(socket)), dgramSocket: socket, closing: socket }
}

/** dgram keeps its handle behind a symbol; the old `_handle` property warns. */
function dgramDescriptor(socket: DgramSocket): unknown {
  const symbol = Object.getOwnPropertySymbols(socket).find(({ description }) => description === 'state symbol')
  if (symbol === undefined) return undefined
  return (socket as unknown as Record<symbol, { handle?: { fd?: number } }>)[symbol]?.handle?.fd
}
