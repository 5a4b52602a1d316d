import type { Backend } from '@sendzc/core'
import { copy, errqueue, inline } from '../../src/index.js'

/** Backends by name, for threads and processes that can be told no more than a name. */
export const BACKENDS: Readonly<Record<string, () => Backend>> = {
  'errqueue recvmsg': () => errqueue({ collect: 'recvmsg' }),
  'errqueue recvmmsg': () => errqueue(),
  inline: () => inline(),
  copy: () => copy(),
}
