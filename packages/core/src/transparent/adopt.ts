import { type Server, Socket } from 'node:net'
import { tellLeft } from './diagnostics.js'
import type { InnerSocket } from './open-half.js'
import type { ResolvedZeroCopyOptions } from './options.js'
import { canBeLayered, layOver } from './socket-layer.js'

/** An `emit` that adopts each socket before a listener of 'connection' sees it. */
export function emitAdopting(base: Pick<Server, 'emit'>, options: ResolvedZeroCopyOptions): Server['emit'] {
  const reasons = new WeakMap<Server, boolean>()
  return function emit(this: Server, name: string | symbol, ...args: unknown[]): boolean {
    if (name === 'connection') {
      let isLeft = reasons.get(this)
      if (isLeft === undefined) {
        const reason = sessionOver(this)
        isLeft = reason !== undefined
        reasons.set(this, isLeft)
        if (reason !== undefined) tellLeft(this, 'ERR_ZC_UNSUPPORTED_SOCKET', reason)
      }
      if (!isLeft) adopt(args[0], options)
    }
    return (base.emit as (...all: unknown[]) => boolean).call(this, name, ...args)
  } as Server['emit']
}

/** Lets a socket share from its first large chunk on, connected or not yet. Leaves another value as it is. Never throws. */
export function adopt(socket: unknown, options: ResolvedZeroCopyOptions): void {
  try {
    if (!(socket instanceof Socket)) return
    const inner = socket as unknown as InnerSocket
    if (inner.destroyed || inner.encrypted === true) return
    const type = inner._handle?.constructor.name
    // A client's socket has no handle before it connects: a pipe is noticed with its first large chunk.
    if ((type !== undefined && type !== 'TCP') || !canBeLayered(socket)) return
    layOver(socket, options)
  } catch (error) {
    tellLeft(socket as object, 'ERR_ZC_SYSTEM', String(error))
  }
}

/** The reason why sockets beneath a server's sessions can't share memory; undefined where they can. */
export function sessionOver(server: Server): string | undefined {
  if ('setSecureContext' in server) return 'A TLS server encrypts: what is sent is not the memory of the caller.'
  if ('updateSettings' in server) return 'An HTTP/2 session frames what it sends, past its socket.'
  return undefined
}
