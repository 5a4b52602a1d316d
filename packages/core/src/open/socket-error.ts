import { constants } from 'node:os'
import type { ZeroCopyError } from '../errors.js'

/**
 * The error of a `net.Socket` whose connection failed under a writer, in the form of Node.js (`code`, `errno`, `syscall`) for listeners that do not
 * know the writer. Its `cause` is the writer's own error. Where no system call failed, the writer's error itself is returned.
 */
export function socketError(error: ZeroCopyError): Error {
  const { errno: name } = error
  const number = name === undefined ? undefined : (constants.errno as Partial<Record<string, number>>)[name]
  if (name === undefined || number === undefined) return error
  return Object.assign(new Error(`write ${name}`, { cause: error }), { code: name, errno: -number, syscall: 'write' })
}
