import { constants } from 'node:os'
import type { ZeroCopyError } from '../errors.js'

/**
 * The error that a `net.Socket` gives whose connection failed under a writer: as Node.js would give it (`code`, `errno`, `syscall`), for those who
 * know nothing of the writer. The writer's own error is its `cause`. Where no system call failed it is that error itself.
 */
export function socketError(error: ZeroCopyError): Error {
  const { errno: name } = error
  const number = name === undefined ? undefined : (constants.errno as Partial<Record<string, number>>)[name]
  if (name === undefined || number === undefined) return error
  return Object.assign(new Error(`write ${name}`, { cause: error }), { code: name, errno: -number, syscall: 'write' })
}
