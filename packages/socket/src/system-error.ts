import { ZeroCopyError, type ZeroCopyErrorCode } from '@sendzc/core'
import { errnoName } from '@sendzc/core/driver'

const codesOfErrno: Readonly<Record<string, ZeroCopyErrorCode>> = {
  EPERM: 'ERR_ZC_PERMISSION',
  EACCES: 'ERR_ZC_PERMISSION',
  EBADF: 'ERR_ZC_BAD_DESCRIPTOR',
  ENOTSOCK: 'ERR_ZC_NOT_A_SOCKET',
  EAFNOSUPPORT: 'ERR_ZC_UNSUPPORTED_SOCKET',
  EPROTONOSUPPORT: 'ERR_ZC_UNSUPPORTED_SOCKET',
  ESOCKTNOSUPPORT: 'ERR_ZC_UNSUPPORTED_SOCKET',
  EOPNOTSUPP: 'ERR_ZC_UNSUPPORTED_SOCKET',
  ENOTCONN: 'ERR_ZC_NOT_CONNECTED',
  ECONNREFUSED: 'ERR_ZC_CONNECTION_REFUSED',
  ECONNRESET: 'ERR_ZC_PEER_RESET',
  ERANGE: 'ERR_ZC_LIMIT',
  EMFILE: 'ERR_ZC_LIMIT',
  ENFILE: 'ERR_ZC_LIMIT',
  ENOBUFS: 'ERR_ZC_NO_BUFFERS',
  ENOMEM: 'ERR_ZC_NO_BUFFERS',
}

/** Facts beyond the errno; they replace the general code, message or remedy. */
export interface ErrorContext {
  /** The attempt, for example `'opening a raw socket'`. */
  doing: string
  code?: ZeroCopyErrorCode | undefined
  /** Why it failed, where that is known better than the errno. */
  why?: string | undefined
  remedy?: string | undefined
}

/**
 * The error of a failed system call.
 * @param result - a negated errno
 */
export function systemError(result: number, call: string, context: ErrorContext): ZeroCopyError {
  const errno = errnoName(result)
  const code = context.code ?? codesOfErrno[errno] ?? 'ERR_ZC_SYSTEM'
  const why = context.why ?? `${call} answered ${errno}`
  return new ZeroCopyError(code, `Failed ${context.doing}: ${why}.`, { errno, syscall: call, remedy: context.remedy })
}
