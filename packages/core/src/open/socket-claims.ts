import { fstatSync } from 'node:fs'
import { ZeroCopyError } from '../errors.js'

/** Sockets that a sending half of this thread is open on, by device and inode: two would steal each other's notifications. */
const claimed = new Set<string>()

/**
 * Claims the socket behind a descriptor, until {@link release}.
 * @param what - what the caller gave, for the error
 * @returns what to release; undefined where the descriptor is not open, which the backend's own check says with its code
 * @throws ZeroCopyError ERR_ZC_SOCKET_OWNED
 */
export function claim(fd: number, what: 'socket' | 'descriptor'): string | undefined {
  let identity: string
  try {
    // Numbers hold these exactly: the kernel counts the inodes of sockets in 32 bits.
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
