import { fstatSync } from 'node:fs'
import { ZeroCopyError } from '../errors.js'
import { NO_DESCRIPTOR } from './target.js'

/**
 * Sockets with an open sending half in this thread: two halves on a socket would steal each other's notifications. By device and inode, or by their
 * object where the runtime shows no descriptor.
 */
const claimed = new Set<string | object>()

/** The claim that {@link release} ends. */
export type Claim = string | object | undefined

/**
 * Claims the socket behind a descriptor, until {@link release}.
 * @param object - the socket object that the caller gave; undefined where the caller gave a descriptor
 * @returns the identity to release; undefined where the descriptor is closed, which the backend's own check reports with its code
 * @throws ZeroCopyError ERR_ZC_SOCKET_OWNED
 */
export function claim(fd: number, object: object | undefined): Claim {
  let identity: string | object
  try {
    // A number holds `dev` and `ino` exactly: the kernel counts the inodes of sockets in 32 bits.
    const { dev, ino } = fstatSync(fd)
    identity = `${dev}:${ino}`
  } catch {
    // A driver double takes any number.
    if (object === undefined || fd !== NO_DESCRIPTOR) return undefined
    identity = object
  }
  if (claimed.has(identity)) {
    throw new ZeroCopyError('ERR_ZC_SOCKET_OWNED', `A writer is already open on this ${object === undefined ? 'descriptor' : 'socket'}.`, {
      remedy: 'Use that writer, or close it first.',
    })
  }
  claimed.add(identity)
  return identity
}

export function release(identity: Claim): void {
  if (identity !== undefined) claimed.delete(identity)
}
