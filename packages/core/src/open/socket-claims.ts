import { fstatSync } from 'node:fs'
import { ZeroCopyError } from '../errors.js'

/** Sockets with an open sending half in this thread, by device and inode: two halves on a socket would steal each other's notifications. */
const claimed = new Set<string>()

/**
 * Claims the socket behind a descriptor, until {@link release}.
 * @param what - the kind of target that the caller gave, for the error
 * @returns the identity to release; undefined where the descriptor is closed, which the backend's own check reports with its code
 * @throws ZeroCopyError ERR_ZC_SOCKET_OWNED
 */
export function claim(fd: number, what: 'socket' | 'descriptor'): string | undefined {
  let identity: string
  try {
    // A number holds `dev` and `ino` exactly: the kernel counts the inodes of sockets in 32 bits.
    const { dev, ino } = fstatSync(fd)
    identity = `${dev}:${ino}`
  } catch {
    // A driver double takes any number.
    return undefined
  }
  if (claimed.has(identity)) {
    throw new ZeroCopyError('ERR_ZC_SOCKET_OWNED', `A writer is already open on this ${what}.`, {
      remedy: 'Use that writer, or close it first.',
    })
  }
  claimed.add(identity)
  return identity
}

export function release(identity: string | undefined): void {
  if (identity !== undefined) claimed.delete(identity)
}
