import type { Socket } from 'node:net'

/** The sender that the transparent mode keeps in a socket. A writer that is opened on the socket takes its place. */
export interface SocketSender {
  /** Whether it sends on the socket now. */
  readonly isOpen: boolean
  /** Lets go of the socket, once everything is released. */
  yieldSocket(): Promise<void>
}

/** Property of a socket that holds its sender. */
export const socketSender = Symbol('sendzc sharing')

/** The sender of the transparent mode in a socket; undefined where the socket has none. */
export function senderOf(socket: Socket): SocketSender | undefined {
  return (socket as Socket & { [socketSender]?: SocketSender })[socketSender]
}
