import { channel } from 'node:diagnostics_channel'
import { debuglog } from 'node:util'
import type { ProcessMemory } from '../driver/driver.js'
import type { ZeroCopyErrorCode } from '../errors.js'
import { pinnableBytes } from './memlock.js'
import { processMemory } from './process-memory.js'

const debug = debuglog('sendzc')

/** `{ socket, backend }`: a socket shares memory from now on, until it has been idle. */
const opened = channel('sendzc:open')
/** `{ target, code, message }`: a socket or server was left as it was. */
const left = channel('sendzc:left')
/** `{ bytes, stack }`: a program changed memory that it had written, before the callback of the write. */
const changed = channel('sendzc:changed')

/** `{ socket, cause }`: a connection was reset, since its peer holds memory for too long (`held`) or is too slow (`slow`). */
const resets = channel('sendzc:reset')

/** The cause why a connection was reset: `maxHoldMs`, or `minRate`. */
export type ResetCause = 'held' | 'slow'

/** The cause why a large chunk took Node's own path. */
export type OwnPathCause = 'copies' | 'pinned' | 'left' | 'memory' | 'busy'

/** Counters of the transparent mode in this thread. */
export interface ZeroCopyStats {
  /** Sockets that the transparent mode stands in, or stood in. */
  sockets: number
  /** Openings of sockets for sharing. A socket that was idle is opened again. */
  opened: number
  /** Sockets that are open for sharing now. Each of these sockets has a second descriptor. */
  open: number
  /** Sockets and servers that were left as they were, by the code of the reason. */
  left: Partial<Record<ZeroCopyErrorCode, number>>
  /** Writes that were handed to the kernel with shared memory, or with an attempt to share it; `sharedBytes` are the bytes of these writes. */
  sharedWrites: number
  sharedBytes: number
  /** Outcomes of the shared writes that are released. */
  outcomes: { zerocopy: number; copied: number; abandoned: number }
  /**
   * Writes with a large chunk that took Node's own path: since the kernel copies on that way (`copies`), at a limit of pinned bytes (`pinned`),
   * on a socket that was left (`left`), of memory that cannot be shared (`memory`), while an explicit writer has the socket (`busy`).
   */
  ownPath: Record<OwnPathCause, number>
  /** Connections that were reset: the peer held shared memory for `maxHoldMs` without progress (`held`), or was slower than `minRate` (`slow`). */
  resets: Record<ResetCause, number>
  /** Bytes that are shared with the kernel now. */
  pinnedBytes: number
  /** Memory that the backends in use keep pinned in all threads of the process, explicit writers' included. */
  process: ProcessMemory
  /** Bytes that the kernel lets the user of this process pin: RLIMIT_MEMLOCK, or Infinity where it does not apply. */
  memlockBytes: number
  /** Chunks that were changed before they were released; counted with `verify` only. */
  changedChunks: number
}

/** The counters of this thread. */
export const stats: Omit<ZeroCopyStats, 'memlockBytes' | 'process'> = {
  sockets: 0,
  opened: 0,
  open: 0,
  left: {},
  sharedWrites: 0,
  sharedBytes: 0,
  outcomes: { zerocopy: 0, copied: 0, abandoned: 0 },
  ownPath: { copies: 0, pinned: 0, left: 0, memory: 0, busy: 0 },
  resets: { held: 0, slow: 0 },
  pinnedBytes: 0,
  changedChunks: 0,
}

/** A snapshot of the counters of the transparent mode in this thread, and of the memory of the process. */
export function zeroCopyStats(): ZeroCopyStats {
  const now = { process: processMemory(), memlockBytes: pinnableBytes() }
  return {
    ...stats,
    ...now,
    left: { ...stats.left },
    outcomes: { ...stats.outcomes },
    ownPath: { ...stats.ownPath },
    resets: { ...stats.resets },
  }
}

export function tellOpened(socket: object, backend: string): void {
  stats.opened++
  debug('a socket shares memory through %s', backend)
  if (opened.hasSubscribers) opened.publish({ socket, backend })
}

export function tellLeft(target: object, code: ZeroCopyErrorCode, message: string): void {
  stats.left[code] = (stats.left[code] ?? 0) + 1
  debug('left as it was: %s: %s', code, message)
  if (left.hasSubscribers) left.publish({ target, code, message })
}

export function tellReset(socket: object, cause: ResetCause): void {
  stats.resets[cause]++
  debug('a connection was reset: %s', cause)
  if (resets.hasSubscribers) resets.publish({ socket, cause })
}

export function tellChanged(bytes: number, stack: string): void {
  stats.changedChunks++
  debug('%d bytes were changed before they were released; written %s', bytes, stack)
  if (changed.hasSubscribers) changed.publish({ bytes, stack })
}

export function tellLimit(message: string): void {
  debug('%s', message)
}
