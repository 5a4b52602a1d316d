import { subscribe } from 'node:diagnostics_channel'
import { Server } from 'node:net'
import { adopt, emitAdopting } from './adopt.js'
import { resolveZeroCopyOptions, type ZeroCopyOptions } from './options.js'

/**
 * Lets every TCP socket of this thread share its large chunks: the sockets that a server accepts, and the sockets of `net.connect()`. Serves a
 * program that does not know sendzc, started with `node --import`. Sockets made in another way (`new net.Socket()`) are left as they are.
 * @throws ZeroCopyError ERR_ZC_INVALID_OPTION, before anything is changed
 */
export function zeroCopyEverywhere(options: ZeroCopyOptions): void {
  const resolved = resolveZeroCopyOptions(options)
  // Beneath the servers' own methods, above those of all emitters.
  const beneath = Object.getPrototypeOf(Server.prototype) as Server
  const layer = Object.create(beneath) as object
  Object.defineProperty(layer, 'emit', { value: emitAdopting(beneath, resolved), configurable: true, writable: true })
  Object.setPrototypeOf(Server.prototype, layer)
  subscribe('net.client.socket', (message) => adopt((message as { socket: unknown }).socket, resolved))
}
