import type { Backend } from '@sendzc/core'
import { copy, errqueue, inline } from '../../src/index.js'

/** Backends by name: a test passes only the name to its threads and processes. */
export const BACKENDS: Readonly<Record<string, () => Backend>> = {
  'errqueue recvmsg': () => errqueue({ collect: 'recvmsg' }),
  'errqueue recvmmsg': () => errqueue(),
  inline: () => inline(),
  copy: () => copy(),
}

/** The backends that this kernel has, and for each other the reason: for the suites that take both. */
export function namedBackends(): { backends: typeof BACKENDS; skip: Readonly<Record<string, string>> } {
  const { available, reason } = inline().probe()
  if (available) return { backends: BACKENDS, skip: {} }
  const { inline: _, ...backends } = BACKENDS
  return { backends, skip: { inline: reason ?? 'unavailable' } }
}
