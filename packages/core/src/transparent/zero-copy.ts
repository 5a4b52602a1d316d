import { Server, Socket } from 'node:net'
import { ZeroCopyError } from '../errors.js'
import { isBackend } from '../open/open-writer.js'
import { claim, release } from '../open/socket-claims.js'
import { refuseOwnedHandle } from '../open/target.js'
import { emitAdopting, sessionOver } from './adopt.js'
import type { InnerSocket } from './open-half.js'
import { resolveZeroCopyOptions, type ZeroCopyOptions } from './options.js'
import { canBeLayered, layOver } from './socket-layer.js'

/**
 * Lets a socket, or every socket that a server accepts, send large chunks without a copy, whoever writes them: `node:http`, `ws`, a pipeline.
 * Everything else stays: the order, the return value of `write()`, 'drain', `cork()`, `end()`, `destroy()`, errors and counters are Node's own.
 *
 * Memory of a chunk of `minSharedBytes` and more is the kernel's until the callback of its `write()`. A program that changes such memory sooner
 * sends changed bytes. `verify: true` finds such a program.
 * @param target - a connected TCP socket, or a server of `node:net` or `node:http`
 * @returns the same socket or server
 * @throws ZeroCopyError, before anything is changed: ERR_ZC_INVALID_ARGUMENT, ERR_ZC_INVALID_OPTION, ERR_ZC_UNSUPPORTED_SOCKET (TLS, HTTP/2,
 *   AF_UNIX), ERR_ZC_NOT_CONNECTED, ERR_ZC_CLOSED, ERR_ZC_SOCKET_OWNED
 */
export function zeroCopy<T extends Socket | Server>(target: T, options: ZeroCopyOptions): T {
  const given = Object(options) as ZeroCopyOptions
  if (!isBackend(given.backend)) {
    throw new ZeroCopyError('ERR_ZC_INVALID_OPTION', 'zeroCopy() needs a backend, for example { backend: auto([uring(), errqueue()]) }.')
  }
  const resolved = resolveZeroCopyOptions(given)
  if (target instanceof Server) {
    checkServer(target)
    const layer = Object.create(Object.getPrototypeOf(target) as object) as object
    Object.defineProperty(layer, 'emit', {
      value: emitAdopting(Object.getPrototypeOf(target) as Server, resolved),
      configurable: true,
      writable: true,
    })
    Object.setPrototypeOf(target, layer)
  } else if (target instanceof Socket) {
    checkSocket(target as unknown as InnerSocket)
    layOver(target, resolved)
  } else {
    throw new ZeroCopyError('ERR_ZC_INVALID_ARGUMENT', 'zeroCopy() takes a net.Socket, or a server of node:net or node:http.')
  }
  return target
}

function checkServer(server: Server): void {
  const session = sessionOver(server)
  if (session !== undefined) throw new ZeroCopyError('ERR_ZC_UNSUPPORTED_SOCKET', session)
  if (!server.listening && (server as Server & { _connections?: number })._connections !== 0) {
    throw new ZeroCopyError('ERR_ZC_CLOSED', 'The server is closing: it accepts no connection.')
  }
  if (server.listening && typeof server.address() === 'string') throw unsupported('AF_UNIX sockets and pipes')
}

function checkSocket(socket: InnerSocket): void {
  if (socket.encrypted === true) {
    throw new ZeroCopyError('ERR_ZC_UNSUPPORTED_SOCKET', 'A TLS socket encrypts: what is sent is not the memory of the caller.')
  }
  if (socket.destroyed) throw new ZeroCopyError('ERR_ZC_CLOSED', 'The socket is closed.')
  const handle = socket._handle
  if (socket.connecting || handle == null) throw new ZeroCopyError('ERR_ZC_NOT_CONNECTED', 'The socket is not connected yet.')
  if (handle.constructor.name !== 'TCP' || !canBeLayered(socket)) throw unsupported('AF_UNIX sockets and pipes')
  if (socket.writableEnded || !socket.writable) {
    throw new ZeroCopyError('ERR_ZC_CLOSED', 'The socket was ended: nothing can be sent any more.')
  }
  refuseOwnedHandle(socket)
  release(claim(handle.fd as number, socket))
}

function unsupported(what: string): ZeroCopyError {
  return new ZeroCopyError('ERR_ZC_UNSUPPORTED_SOCKET', `${what} have no zero-copy: they copy within this machine.`)
}
