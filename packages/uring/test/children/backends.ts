import type { Backend } from '@sendzc/core'
import { uring } from '../../src/index.js'

/** Backends by name: a test passes only the name to its threads and processes. */
export const BACKENDS: Readonly<Record<string, () => Backend>> = {
  uring: () => uring({ entries: 64 }),
}
