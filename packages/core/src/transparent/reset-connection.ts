import type { Socket } from 'node:net'
import { type ResetCause, tellReset } from './diagnostics.js'

/**
 * Resets a connection, so that the kernel lets go of its memory; a socket that can't be reset is destroyed.
 * @param cause - where the peer is the reason
 */
export function resetConnection(socket: Socket, cause?: ResetCause): void {
  if (socket.destroyed) return
  if (cause !== undefined) tellReset(socket, cause)
  try {
    socket.resetAndDestroy()
  } catch {
    // A pipe, or a socket that TLS wraps.
    socket.destroy()
  }
}
