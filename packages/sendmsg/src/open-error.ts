import { type BackendName, ZeroCopyError, type ZeroCopyErrorCode } from '@sendzc/core'
import { errnoName } from '@sendzc/core/driver'
import { type FailedCall, shortageRemedy } from './call-failure.js'
import { Domain, OpenStage } from './native.js'

interface Explanation {
  code: ZeroCopyErrorCode
  message: string
  remedy?: string
  syscall?: string
}

function explainDescriptor(errno: string, fd: number): Explanation {
  if (errno === 'EBADF') return { code: 'ERR_ZC_BAD_DESCRIPTOR', message: `Descriptor ${fd} is not open.`, syscall: 'getsockopt' }
  if (errno === 'ENOTSOCK') return { code: 'ERR_ZC_NOT_A_SOCKET', message: `Descriptor ${fd} is not a socket.`, syscall: 'getsockopt' }
  return { code: 'ERR_ZC_SYSTEM', message: `Descriptor ${fd} could not be examined: ${errno}.`, syscall: 'getsockopt' }
}

function explainFamily(domain: number): Explanation {
  const family = domain === Domain.Unix ? 'An AF_UNIX socket' : `A socket of address family ${domain} and this type`
  return {
    code: 'ERR_ZC_UNSUPPORTED_SOCKET',
    message: `${family} cannot send without copying.`,
    remedy: 'Use TCP or UDP over IPv4 or IPv6, or a vsock stream.',
  }
}

function explainSetZerocopy(errno: string): Explanation {
  if (errno === 'EOPNOTSUPP' || errno === 'ENOTSUPP') {
    return {
      code: 'ERR_ZC_UNSUPPORTED_SOCKET',
      message: 'The protocol of this socket has no MSG_ZEROCOPY.',
      remedy: 'Use TCP, UDP (Linux 5.0) or vsock (Linux 6.7), or the copy backend, which also sends over RAW and PACKET.',
      syscall: 'setsockopt',
    }
  }
  return {
    code: 'ERR_ZC_BACKEND_UNAVAILABLE',
    message: `SO_ZEROCOPY is refused: ${errno}.`,
    remedy: 'Use Linux 4.14 or newer, outside a sandbox that filters setsockopt, or the copy backend.',
    syscall: 'setsockopt',
  }
}

function explain(stage: number, errno: string, fd: number, report: Int32Array): Explanation {
  switch (stage) {
    case OpenStage.Descriptor:
      return explainDescriptor(errno, fd)
    case OpenStage.Family:
      return explainFamily(report[1] as number)
    case OpenStage.Connection:
      return {
        code: 'ERR_ZC_NOT_CONNECTED',
        message: report[4] === 1 ? 'The socket is listening, not connected.' : 'The socket is not connected.',
        remedy: 'Connect it first; a UDP socket too.',
        syscall: 'getpeername',
      }
    case OpenStage.UpperLayer:
      return {
        code: 'ERR_ZC_UNSUPPORTED_SOCKET',
        message: 'Kernel TLS sits on this socket: it encrypts into memory of its own.',
        remedy: 'Send over a plain TCP socket.',
        syscall: 'getsockopt',
      }
    case OpenStage.SetZerocopy:
      return explainSetZerocopy(errno)
    case OpenStage.Limit:
      return {
        code: 'ERR_ZC_LIMIT',
        message: 'Too many drivers are open in this thread, or memory is short.',
        remedy: 'Close writers that are done.',
      }
    case OpenStage.Pinning:
      return {
        code: 'ERR_ZC_BACKEND_UNAVAILABLE',
        message: 'This runtime does not let an addon keep the memory of a buffer alive.',
        remedy: 'Run on Node.js 20.19 or newer.',
      }
    case OpenStage.Owned:
      return {
        code: 'ERR_ZC_SOCKET_OWNED',
        message: 'A writer of this process reads the notifications of this socket already, perhaps in another thread.',
        remedy: 'Close that writer first, or open this one with copy() or uring().',
      }
    default:
      return explainShortage(errno, 'The descriptor could not be duplicated', 'fcntl')
  }
}

/** The error of a call that found no free descriptor. */
function explainShortage(errno: string, what: string, syscall: string): Explanation {
  const message = `${what}: ${errno}.`
  if (errno === 'EMFILE') {
    return {
      code: 'ERR_ZC_LIMIT',
      message,
      remedy: 'Close descriptors that are not needed, or raise the limit of open files (ulimit -n).',
      syscall,
    }
  }
  if (errno === 'ENFILE') {
    const remedy = 'Close descriptors that are not needed, or raise the limit of the system (sysctl fs.file-max).'
    return { code: 'ERR_ZC_LIMIT', message, remedy, syscall }
  }
  return {
    code: 'ERR_ZC_SYSTEM',
    message,
    remedy: shortageRemedy(errno, syscall),
    syscall,
  }
}

/** The error of a driver that could not be opened, with cause and remedy. */
export function openError(backend: BackendName, negated: number, fd: number, report: Int32Array): ZeroCopyError {
  const errno = errnoName(negated)
  const { code, message, remedy, syscall } = explain(report[0] as number, errno, fd, report)
  return new ZeroCopyError(code, `${backend}: ${message}`, { errno, syscall, remedy })
}

/** The error of a thread whose drivers can't join its event loop. */
export function joinError(failed: FailedCall): ZeroCopyError {
  const errno = errnoName(failed.errno)
  const { code, message, remedy, syscall } = explainShortage(errno, 'The event loop could not be joined', failed.syscall)
  return new ZeroCopyError(code, message, { errno, syscall, remedy })
}
