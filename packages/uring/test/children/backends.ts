import type { Backend } from '@sendzc/core'
import { uring } from '../../src/index.js'

/** Backends by name, for threads and processes that can be told no more than a name. */
export const BACKENDS: Readonly<Record<string, () => Backend>> = {
  uring: () => uring({ entries: 64 }),
  'uring sqpoll': () => uring({ entries: 64, sqpoll: { idleMs: 20 } }),
}
