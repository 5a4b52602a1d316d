import type { BackendName, DriverFailure } from '../driver/driver.js'
import { errnoName } from '../driver/errno.js'
import { sendFailure } from '../driver/send-failure.js'
import { ZeroCopyError } from '../errors.js'
import type { Ending } from './endings.js'

/** The driver threw: what it says of the cause is said of the writes. */
export function driverEnding(backend: BackendName, cause: unknown): Ending {
  const message = `The ${backend} driver failed: ${cause instanceof Error ? cause.message : String(cause)}`
  const { errno, syscall, remedy } = ZeroCopyError.is(cause) ? cause : {}
  return { code: 'ERR_ZC_SYSTEM', message, init: { cause, errno, syscall, remedy } }
}

/**
 * A send failed.
 * @param answeredBy - as `Driver.answeredBy` says
 * @param bytes - of a datagram
 */
export function failedSendEnding(answeredBy: string | DriverFailure, errno: number, bytes?: number): Ending {
  const failure =
    typeof answeredBy === 'string' ? { ...sendFailure(errno, bytes), errno: errnoName(errno), syscall: answeredBy } : answeredBy
  const { code, message, ...init } = failure
  return { code, message, init }
}
