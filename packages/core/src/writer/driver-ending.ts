import type { BackendName, DriverFailure } from '../driver/driver.js'
import { errnoName } from '../driver/errno.js'
import { sendFailure } from '../driver/send-failure.js'
import { ZeroCopyError } from '../errors.js'
import type { Ending } from './endings.js'
import { envelopeFailure } from './envelope-failure.js'
import type { PendingWrite } from './pending-write.js'

/** The ending after a driver threw: its writes get the errno, the system call and the remedy of the driver's error. */
export function driverEnding(backend: BackendName, cause: unknown): Ending {
  const message = `The ${backend} driver failed: ${cause instanceof Error ? cause.message : String(cause)}`
  const { errno, syscall, remedy } = ZeroCopyError.is(cause) ? cause : {}
  return { code: 'ERR_ZC_SYSTEM', message, init: { cause, errno, syscall, remedy } }
}

/**
 * The ending after a send failed.
 * @param answeredBy - the answer of `Driver.answeredBy`
 * @param datagram - its write; undefined on a stream
 */
export function failedSendEnding(answeredBy: string | DriverFailure, errno: number, datagram?: PendingWrite): Ending {
  const failure =
    typeof answeredBy === 'string'
      ? {
          ...(envelopeFailure(errno, datagram) ?? sendFailure(errno, datagram?.bytes)),
          errno: errnoName(errno),
          syscall: answeredBy,
        }
      : answeredBy
  const { code, message, ...init } = failure
  return { code, message, init }
}
