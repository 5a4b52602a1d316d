import { type UringBackend, uring } from '@sendzc/uring'
import { BenchFailure } from '../cli/failure.js'

/** `uring` with buffers that are registered with its ring. */
export interface RegisteredBuffers {
  backend: UringBackend
  buffers: Uint8Array[]
}

/** The addon keeps registered memory for the life of the process, so that each set is made once. */
const made = new Map<string, RegisteredBuffers>()

/**
 * Buffers that are registered with a ring, taken from its pool. The same ones at each call: one load uses them at a time.
 * @throws BenchFailure where this process may not register as much memory (RLIMIT_MEMLOCK)
 */
export function registeredBuffers(count: number, bytes: number): RegisteredBuffers {
  const key = `${count} ${bytes}`
  const known = made.get(key)
  if (known !== undefined) return known
  const backend = uring({ fixedBuffers: { count, bytes } })
  const { pool } = backend
  if (pool === undefined) throw new BenchFailure('uring-fixed: the backend has no pool.')
  const set = { backend, buffers: Array.from({ length: count }, () => pool.acquire()) }
  made.set(key, set)
  return set
}
