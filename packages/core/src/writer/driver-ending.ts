import type { BackendName } from '../driver/driver.js'
import { ZeroCopyError } from '../errors.js'
import type { Ending } from './endings.js'

/** The driver threw: what it says of the cause is said of the writes. */
export function driverEnding(backend: BackendName, cause: unknown): Ending {
  const message = `The ${backend} driver failed: ${cause instanceof Error ? cause.message : String(cause)}`
  const { errno, syscall, remedy } = ZeroCopyError.is(cause) ? cause : {}
  return { code: 'ERR_ZC_SYSTEM', message, init: { cause, errno, syscall, remedy } }
}
