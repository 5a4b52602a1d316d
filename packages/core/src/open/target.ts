import type { Socket as DgramSocket } from 'node:dgram'
import type { Socket as NetSocket } from 'node:net'
import { ZeroCopyError } from '../errors.js'

/** A descriptor number, or an object that owns one (a socket from `@sendzc/socket`). It stays the caller's. */
export type DescriptorTarget = number | { readonly fd: number }

/**
 * What a writer can be opened on: connected, and not TLS. A `net.Socket` that a `tls.TLSSocket` was made of can't be told from another: what is
 * written through it is not encrypted. Pass a `dgram.Socket` itself, not its descriptor: libuv 1.52 and later (Node.js 24) would take its
 * notifications, unless it is known.
 */
export type WriterTarget = NetSocket | DgramSocket | DescriptorTarget

/** A target after inspection. */
export interface ResolvedTarget {
  fd: number
  /** Set where the target is a net.Socket. */
  netSocket?: NetSocket
  /** Set where the target is a dgram.Socket. */
  dgramSocket?: DgramSocket
  /** Set where the target is an object that tells of its closing with a `'close'` event. */
  closing?: NetSocket | DgramSocket
}

interface NetInternals {
  _handle?: { fd?: number; constructor: { name: string } } | null
  encrypted?: boolean
}

/**
 * Finds the descriptor of a target, and refuses what can never work before any system call is made.
 * @throws ZeroCopyError
 */
export function resolveTarget(target: WriterTarget): ResolvedTarget {
  if (typeof target === 'number') return { fd: checkDescriptor(target) }
  if (typeof target !== 'object' || target === null) {
    throw new ZeroCopyError(
      'ERR_ZC_INVALID_ARGUMENT',
      `openWriter() takes a net.Socket, a dgram.Socket or a descriptor, not ${target === null ? 'null' : typeof target}.`,
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
  if (socket.writableEnded || !socket.writable) {
    throw new ZeroCopyError('ERR_ZC_CLOSED', 'The socket was ended: nothing can be sent any more.')
  }
  return { fd: checkDescriptor(handle.fd), netSocket: socket, closing: socket }
}

function resolveDgram(socket: DgramSocket): ResolvedTarget {
  try {
    socket.remoteAddress()
  } catch (cause) {
    const closed = cause instanceof Error && 'code' in cause && cause.code === 'ERR_SOCKET_DGRAM_NOT_RUNNING'
    throw closed
      ? new ZeroCopyError('ERR_ZC_CLOSED', 'The socket is closed.', { cause })
      : new ZeroCopyError('ERR_ZC_NOT_CONNECTED', 'The UDP socket has no peer.', {
          cause,
          remedy: 'Call socket.connect(port, host) first.',
        })
  }
  return { fd: checkDescriptor(dgramDescriptor(socket)), dgramSocket: socket, closing: socket }
}

/** dgram keeps its handle behind a symbol; the old `_handle` property warns. */
function dgramDescriptor(socket: DgramSocket): unknown {
  const symbol = Object.getOwnPropertySymbols(socket).find(({ description }) => description === 'state symbol')
  if (symbol === undefined) return undefined
  return (socket as unknown as Record<symbol, { handle?: { fd?: number } }>)[symbol]?.handle?.fd
}
