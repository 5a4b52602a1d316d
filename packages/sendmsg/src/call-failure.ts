import { type DriverFailure, Errno, errnoName } from '@sendzc/core/driver'
import { SYSTEM_CALLS } from './native.js'

/** A call that failed, and its errno. */
export interface FailedCall {
  errno: number
  syscall: (typeof SYSTEM_CALLS)[number]
}

/** Bits of a failure that name the call. Mirrors `failed_call_bits` in native/system_call.h. */
const CALL_BITS = 4

/** Takes the answer of `NativeAddon.failure` apart. */
export function failedCall(packed: number): FailedCall {
  return { errno: packed >> CALL_BITS, syscall: SYSTEM_CALLS[packed & ((1 << CALL_BITS) - 1)] ?? 'sendmsg' }
}

/**
 * What an answer means that is not the kernel's own to the message: notifications that can't be read, which is told of the send behind them, and a
 * call that is answered without being made, however often it is tried. Undefined for every other.
 */
export function answerFailure({ errno, syscall }: FailedCall): DriverFailure | undefined {
  const said = { code: 'ERR_ZC_SYSTEM', errno: errnoName(errno), syscall } as const
  if (syscall === 'recvmsg' || syscall === 'recvmmsg') {
    return {
      ...said,
      message: `The notifications of earlier sends can't be read: ${syscall} failed with ${said.errno}. Their memory stays pinned.`,
      remedy: `Allow ${syscall} where a sandbox filters system calls, or use a backend that reads no error queue: uring() or copy().`,
    }
  }
  if (errno !== Errno.EINTR && errno !== Errno.ENOSYS) return undefined
  return {
    ...said,
    message: `${syscall} failed with ${said.errno}, however often it was tried: a sandbox filters system calls (seccomp).`,
    remedy: `Allow ${syscall} in the sandbox.`,
  }
}

/** The remedy for a call that lacked memory, a watch or the permission. */
export function shortageRemedy(errno: string, syscall: string): string {
  if (errno === 'ENOSPC') return 'Raise the limit on watched descriptors (sysctl fs.epoll.max_user_watches).'
  return `Allow ${syscall} where a sandbox filters system calls, and see that the kernel has memory.`
}

/** The error of a driver that can't wait for wake-ups. */
export function wakeUpFailure(negated: number, syscall: 'epoll_ctl' | 'epoll_wait'): DriverFailure {
  const errno = errnoName(negated)
  const message = `The wake-up could not be asked for: ${syscall} failed with ${errno}.`
  return { code: 'ERR_ZC_SYSTEM', message, errno, syscall, remedy: shortageRemedy(errno, syscall) }
}
