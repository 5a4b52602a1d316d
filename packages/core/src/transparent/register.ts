import { Server, Socket } from 'node:net'
import { adopt, emitAdopting } from './adopt.js'
import { resolveZeroCopyOptions, type ZeroCopyOptions } from './options.js'

/**
 * Lets every TCP socket of this thread share its large chunks: the sockets that a server accepts, and the sockets that connect, by `net.connect()`
 * or by `new net.Socket().connect()`. Serves a program that does not know sendzc, started with `node --import`.
 * @throws ZeroCopyError ERR_ZC_INVALID_OPTION, before anything is changed
 */
export function zeroCopyEverywhere(options: ZeroCopyOptions): void {
  const resolved = resolveZeroCopyOptions(options)
  // Beneath the servers' own methods, above those of all emitters.
  const beneath = Object.getPrototypeOf(Server.prototype) as Server
  const layer = Object.create(beneath) as object
  Object.defineProperty(layer, 'emit', { value: emitAdopting(beneath, resolved), configurable: true, writable: true })
  Object.setPrototypeOf(Server.prototype, layer)
  const { connect } = Socket.prototype
  // Node's own method makes the handle, by which a pipe is noticed, and it resets `write`: so a socket is adopted after that.
  Socket.prototype.connect = function (this: Socket, ...args: unknown[]): Socket {
    const result = (connect as (...all: unknown[]) => Socket).apply(this, args)
    adopt(this, resolved)
    return result
  } as Socket['connect']
}
