/**
 * The closed set of error codes. Messages may change between releases, codes may not.
 */
export const ERROR_CODES = {
  ERR_ZC_INVALID_ARGUMENT: 'An argument has the wrong type or value.',
  ERR_ZC_INVALID_OPTION: 'An option is unknown or out of range.',
  ERR_ZC_BUFFER_RESIZABLE: 'The buffer can be resized or grown, so that its memory cannot be pinned.',
  ERR_ZC_BUFFER_DETACHED: 'The buffer was detached (transferred), so that it has no memory.',
  ERR_ZC_BAD_DESCRIPTOR: 'The descriptor is closed or was never open.',
  ERR_ZC_NOT_A_SOCKET: 'The descriptor is a file, a pipe or something else that is not a socket.',
  ERR_ZC_UNSUPPORTED_SOCKET: 'The socket cannot do this: AF_UNIX, TLS, or a protocol without zero-copy.',
  ERR_ZC_NOT_CONNECTED: 'The socket is not connected.',
  ERR_ZC_SOCKET_OWNED: 'A writer is open on this socket: write through it, or close it first.',
  ERR_ZC_MESSAGE_TOO_LARGE: 'The datagram is larger than the socket can send.',
  ERR_ZC_TOO_MANY_SEGMENTS: 'The datagram has more segments than one message can carry.',
  ERR_ZC_QUEUE_FULL: 'The queue of unsent writes is at its limit.',
  ERR_ZC_ABORTED: 'The signal of this write was aborted, or the writer was.',
  ERR_ZC_CLOSED: 'The writer or its socket is closed.',
  ERR_ZC_PEER_RESET: 'The peer reset or closed the connection.',
  ERR_ZC_CONNECTION_REFUSED: 'Nothing listens at the peer (ICMP port unreachable).',
  ERR_ZC_NO_BUFFERS: 'The kernel has no buffer memory for this send, not even for a copy.',
  ERR_ZC_DRAIN_TIMEOUT: 'Closing outlasted its bound; the connection was aborted.',
  ERR_ZC_BACKEND_UNAVAILABLE: 'The backend cannot work here: kernel, sysctl, seccomp or limits.',
  ERR_ZC_PERMISSION: 'A capability such as CAP_NET_RAW is missing.',
  ERR_ZC_PLATFORM: 'The platform, or the addon for it, is missing.',
  ERR_ZC_LIMIT: 'A named limit of the library or of the process is reached.',
  ERR_ZC_SYSTEM: 'A system call failed in a way that has no code of its own; see errno and syscall.',
} as const

/** One of the closed set {@link ERROR_CODES}. */
export type ZeroCopyErrorCode = keyof typeof ERROR_CODES

/** How a write ended for its memory. See {@link ZeroCopyError.released}. */
export type ReleaseOutcome = 'zerocopy' | 'copied' | 'abandoned'

/** What a {@link ZeroCopyError} is made from. */
export interface ZeroCopyErrorInit {
  /** Name of the error number, for example `'EPIPE'`. */
  errno?: string | undefined
  /** Name of the system call that failed, for example `'sendmsg'`. */
  syscall?: string | undefined
  /** What the caller can do about it: one sentence. */
  remedy?: string | undefined
  /** The error beneath this one. */
  cause?: unknown
  /** See {@link ZeroCopyError.released}. */
  released?: Promise<ReleaseOutcome> | undefined
}

/** The only class of error that sendzc throws or rejects with. */
export class ZeroCopyError extends Error {
  /** Stable code; see {@link ERROR_CODES}. */
  readonly code: ZeroCopyErrorCode
  /** Name of the error number where a system call failed. */
  readonly errno: string | undefined
  /** Name of the system call that failed. */
  readonly syscall: string | undefined
  /** What the caller can do about it. */
  readonly remedy: string | undefined
  /**
   * On an error of `write()`: settles when the kernel no longer references the memory of that write
   * (it never rejects). A write can fail after part of it was handed to the kernel, so wait for this
   * before the buffer is modified. Undefined where no memory was ever shared.
   */
  readonly released: Promise<ReleaseOutcome> | undefined

  constructor(code: ZeroCopyErrorCode, message: string, init: ZeroCopyErrorInit = {}) {
    const remedy = init.remedy === undefined ? '' : ` ${init.remedy}`
    super(`${message}${remedy}`, init.cause === undefined ? undefined : { cause: init.cause })
    this.name = 'ZeroCopyError'
    this.code = code
    this.errno = init.errno
    this.syscall = init.syscall
    this.remedy = init.remedy
    this.released = init.released
  }

  /** True for any error made by sendzc, also one from another copy of the package. */
  static is(value: unknown): value is ZeroCopyError {
    return value instanceof Error && value.name === 'ZeroCopyError' && 'code' in value
  }
}
