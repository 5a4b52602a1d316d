import type { BackendName, Driver, DriverFailure } from '../driver/driver.js'
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
 * The send of message `token` failed.
 * @param bytes - of a datagram
 * @param failure - of the driver itself, where the answer was not the kernel's own
 */
export function failedSendEnding(driver: Driver, token: number, errno: number, bytes?: number, failure?: DriverFailure): Ending {
  const syscall = driver.answeringCall?.(token) ?? 'sendmsg'
  const { code, message, ...init } = failure ?? { ...sendFailure(errno, bytes), errno: errnoName(errno), syscall }
  return { code, message, init }
}
