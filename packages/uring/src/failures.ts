import { ZeroCopyError, type ZeroCopyErrorCode } from '@sendzc/core'
import { type DriverFailure, Errno, errnoName } from '@sendzc/core/driver'
import { ioUringDisabled, kernelAtLeast, memlockLimitBytes } from './host-facts.js'

/** The code, the cause and the remedy of a failure. */
export interface Failure {
  code: ZeroCopyErrorCode
  message: string
  remedy: string
}

/** Turns a failure into the error that callers see. */
export function failureError(failure: Failure, errno: number, syscall: string | undefined): ZeroCopyError {
  return new ZeroCopyError(failure.code, failure.message, { errno: errnoName(errno), syscall, remedy: failure.remedy })
}

const insteadOfUring = 'Use the errqueue backend.'

function notPermitted(syscall: string): Failure {
  const disabled = ioUringDisabled()
  if (disabled === 2) {
    return {
      code: 'ERR_ZC_BACKEND_UNAVAILABLE',
      message: 'io_uring is disabled for every process: sysctl kernel.io_uring_disabled=2.',
      remedy: `Set kernel.io_uring_disabled=0 as an administrator. ${insteadOfUring}`,
    }
  }
  if (disabled === 1) {
    return {
      code: 'ERR_ZC_PERMISSION',
      message: 'io_uring is disabled for unprivileged processes: sysctl kernel.io_uring_disabled=1.',
      remedy: 'Add the process to the group of kernel.io_uring_group, give it CAP_SYS_ADMIN, or set kernel.io_uring_disabled=0.',
    }
  }
  return {
    code: 'ERR_ZC_BACKEND_UNAVAILABLE',
    message: `${syscall} is not permitted: a seccomp filter (most containers have one) or a security module forbids it.`,
    remedy: `Allow io_uring_setup, io_uring_enter and io_uring_register in the seccomp profile. ${insteadOfUring}`,
  }
}

function memlockText(): string {
  const limit = memlockLimitBytes()
  return limit === undefined ? 'RLIMIT_MEMLOCK' : `RLIMIT_MEMLOCK (ulimit -l) is ${limit} bytes`
}

/** The error of a ring that could not be made. `syscall` is empty at a limit of the addon's own. */
export function ringError(errno: number, syscall: string): ZeroCopyError {
  const failure = syscall === 'epoll_ctl' ? joinFailure(errno) : ringFailure(errno, syscall === '' ? undefined : syscall)
  return failureError(failure, errno, syscall === '' ? undefined : syscall)
}

/** The failure to wait for a ring. */
function joinFailure(errno: number): Failure {
  return {
    code: 'ERR_ZC_SYSTEM',
    message: `The event loop could not be joined: epoll_ctl failed with ${errnoName(errno)}.`,
    remedy:
      errno === Errno.ENOSPC
        ? 'Raise the limit on watched descriptors (sysctl fs.epoll.max_user_watches).'
        : 'Allow epoll_ctl where a sandbox filters system calls, and see that the kernel has memory.',
  }
}

/** The failure to set up a ring, and to ask over it what the kernel can do: `syscall` says which call failed. */
export function ringFailure(errno: number, syscall = 'io_uring_setup'): Failure {
  switch (errno) {
    case Errno.EPERM:
    case Errno.EACCES:
      return notPermitted(syscall)
    case Errno.ENOSYS:
      return {
        code: 'ERR_ZC_BACKEND_UNAVAILABLE',
        message: 'The kernel has no io_uring: it is older than 5.1, was built without CONFIG_IO_URING, or a seccomp filter hides it.',
        remedy: insteadOfUring,
      }
    case Errno.ENOMEM:
      return {
        code: 'ERR_ZC_BACKEND_UNAVAILABLE',
        message: `The kernel has no memory for a ring; ${memlockText()}, and most kernels count rings against it.`,
        remedy: 'Raise the memlock limit, or ask for fewer entries and completionEntries.',
      }
    case Errno.EOPNOTSUPP:
      return {
        code: 'ERR_ZC_BACKEND_UNAVAILABLE',
        message: `The kernel has io_uring, but not both IORING_OP_SEND_ZC (6.0) and IORING_OP_SENDMSG_ZC (6.1)${
          kernelAtLeast(6, 1) ? ', although its version is recent enough' : ''
        }.`,
        remedy: `Linux 6.1 or newer is needed. ${insteadOfUring}`,
      }
    case Errno.EMFILE:
    case Errno.ENFILE:
      return {
        code: 'ERR_ZC_LIMIT',
        message: 'There is no descriptor left for a ring (RLIMIT_NOFILE).',
        remedy: 'Raise the limit of open files (ulimit -n).',
      }
    case Errno.ENOSPC:
      return {
        code: 'ERR_ZC_LIMIT',
        message: 'An environment has at most 32 rings and 32 pools of fixed buffers.',
        remedy: 'Make uring() once and share it: equal options share a ring.',
      }
    default:
      return {
        code: 'ERR_ZC_BACKEND_UNAVAILABLE',
        message: `${syscall} failed with ${errnoName(errno)}.`,
        remedy: insteadOfUring,
      }
  }
}

/** The failure to map or register memory for fixed buffers. */
export function fixedBufferFailure(errno: number, bytes: number): Failure {
  if (errno === Errno.ENOMEM || errno === Errno.EPERM) {
    return {
      code: 'ERR_ZC_BACKEND_UNAVAILABLE',
      message: `Registering ${bytes} bytes of fixed buffers was refused: ${memlockText()}.`,
      remedy: 'Raise the memlock limit, grant CAP_IPC_LOCK, or ask for smaller fixedBuffers.',
    }
  }
  if (errno === Errno.ENOSPC) return ringFailure(errno)
  return {
    code: 'ERR_ZC_BACKEND_UNAVAILABLE',
    message: `Registering ${bytes} bytes of fixed buffers failed with ${errnoName(errno)}.`,
    remedy: 'Leave fixedBuffers out: sends work without them.',
  }
}

/** The failure to open a driver on a descriptor. */
export function openFailure(errno: number, fd: number): Failure {
  switch (errno) {
    case Errno.EBADF:
      return {
        code: 'ERR_ZC_BAD_DESCRIPTOR',
        message: `Descriptor ${fd} is not open.`,
        remedy: 'Open the writer before the socket is closed.',
      }
    case Errno.ENOTSOCK:
      return { code: 'ERR_ZC_NOT_A_SOCKET', message: `Descriptor ${fd} is not a socket.`, remedy: 'Pass a connected socket.' }
    case Errno.EOPNOTSUPP:
      return {
        code: 'ERR_ZC_UNSUPPORTED_SOCKET',
        message: `The protocol of descriptor ${fd} has no zero-copy with io_uring (SOCK_SUPPORT_ZC): TCP and UDP have, and VSOCK since Linux 6.7.`,
        remedy: 'Use the errqueue or the copy backend.',
      }
    case Errno.EMFILE:
    case Errno.ENFILE:
      return {
        code: 'ERR_ZC_LIMIT',
        message: 'There is no descriptor left to duplicate the socket.',
        remedy: 'Raise the limit of open files (ulimit -n).',
      }
    case Errno.ENOBUFS:
      return {
        code: 'ERR_ZC_LIMIT',
        message: 'The ring has as many writers as its completions allow (completionEntries / 4).',
        remedy: 'Raise completionEntries.',
      }
    case Errno.ENOMEM:
      return { code: 'ERR_ZC_LIMIT', message: 'There is no memory for the table of messages in flight.', remedy: 'Lower maxInFlight.' }
    default:
      return {
        code: 'ERR_ZC_SYSTEM',
        message: `Opening descriptor ${fd} failed with ${errnoName(errno)}.`,
        remedy: insteadOfUring,
      }
  }
}

/** The failure to hand over requests and to fetch their completions. */
export function enterFailure(errno: number): DriverFailure {
  const name = errnoName(errno)
  return {
    code: 'ERR_ZC_SYSTEM',
    message: `io_uring_enter fails with ${name} again and again: this ring sends no more, and reports no release.`,
    errno: name,
    syscall: 'io_uring_enter',
    remedy: enterRemedies[errno] ?? insteadOfUring,
  }
}

const enterRemedies: Partial<Record<number, string>> = {
  [Errno.EPERM]:
    'Look for a seccomp filter or a security module that forbids io_uring_enter since the ring was made; allow it, or use the errqueue backend.',
  [Errno.EAGAIN]:
    'The kernel is out of memory for requests: give the machine or the control group more (memory.max), and open a new writer.',
  [Errno.ENOMEM]:
    'The kernel is out of memory for requests: give the machine or the control group more (memory.max), and open a new writer.',
  [Errno.EBUSY]: 'Raise completionEntries, and open a new writer.',
}
