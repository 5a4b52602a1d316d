import type { Server, Socket } from 'node:net'
import { type Backend, type ZeroCopyOptions as CoreOptions, zeroCopy as withBackend } from '@sendzc/core'
import { errqueue, inline } from '@sendzc/sendmsg'
import { uring } from '@sendzc/uring'
import { auto } from './auto.js'

/** Options of {@link zeroCopy}. */
export type ZeroCopyOptions = Omit<CoreOptions, 'backend'> & {
  /** The notification path. Left out: the first of `uring()`, `inline()`, `errqueue()` that works; where none does, nothing is changed. */
  backend?: Backend | undefined
}

/** One for all sockets, so that all share one ring. */
let sharing: Backend | undefined

/** The backends that share memory, the best first. Where none works, Node's own path is the best way to copy. */
export function sharingBackend(): Backend {
  sharing ??= auto([uring(), inline(), errqueue()])
  return sharing
}

/**
 * `zeroCopy()` of `@sendzc/core`, which lets a socket, or every socket that a server accepts, share large chunks with the kernel, over the backends
 * of this package. Memory of a shared chunk is the kernel's until the callback of its `write()`.
 * @param target - a connected TCP socket, or a server of `node:net` or `node:http`
 * @returns the same socket or server
 * @throws ZeroCopyError as `zeroCopy()` of `@sendzc/core`, before anything is changed
 */
export function zeroCopy<T extends Socket | Server>(target: T, options: ZeroCopyOptions = {}): T {
  return withBackend(target, { ...options, backend: options.backend ?? sharingBackend() })
}
