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
  ERR_ZC_SOCKET_OWNED: 'A writer is open on this socket.',
  ERR_ZC_MESSAGE_TOO_LARGE: 'The datagram is larger than the socket can send.',
  ERR_ZC_TOO_MANY_SEGMENTS: 'The datagram has more segments than one message can carry.',
  ERR_ZC_NOT_A_FILE: 'The descriptor is a directory, a pipe, a socket or a device: only a regular file can be sent.',
  ERR_ZC_FILE_RANGE: 'The range begins or ends outside of the file.',
  ERR_ZC_FILE_TRUNCATED: 'The file became shorter while it was being sent.',
  ERR_ZC_QUEUE_FULL: 'The queue of unsent writes is at its limit.',
  ERR_ZC_ABORTED: 'The signal of this write was aborted, or the writer was.',
  ERR_ZC_CLOSED: 'The writer or its socket is closed.',
  ERR_ZC_PEER_RESET: 'The peer reset or closed the connection.',
  ERR_ZC_CONNECTION_REFUSED: 'Nothing listens at the peer (ICMP port unreachable).',
  ERR_ZC_NO_BUFFERS: 'The kernel has no buffer memory for this send, not even for a copy.',
  ERR_ZC_DRAIN_TIMEOUT: 'Closing outlasted its bound; the connection was aborted.',
  ERR_ZC_BACKEND_UNAVAILABLE: 'The backend cannot work here: kernel, sysctl, seccomp or limits.',
  ERR_ZC_PERMISSION: 'A capability such as CAP_NET_RAW is missing, or a rule or a flag of Node.js forbids it.',
  ERR_ZC_PLATFORM: 'The platform, or the addon for it, is missing.',
  ERR_ZC_LIMIT: 'A named limit of the library or of the process is reached.',
  ERR_ZC_SYSTEM: 'A system call failed in a way that has no code of its own; see errno and syscall.',
} as const

/**
 * One remedy for each code, for an error without a remedy of its own. ERR_ZC_ABORTED has no remedy: the caller asked for the abort.
 */
const REMEDIES: Readonly<Record<Exclude<ZeroCopyErrorCode, 'ERR_ZC_ABORTED'>, string>> = {
  ERR_ZC_INVALID_ARGUMENT: 'Pass a value of the type that the message names.',
  ERR_ZC_INVALID_OPTION: 'Give the option a value that the message allows, or leave it out for its default.',
  ERR_ZC_BUFFER_RESIZABLE: 'Copy it into a buffer of fixed length.',
  ERR_ZC_BUFFER_DETACHED: 'Write it before it is transferred, or write it where it now lives.',
  ERR_ZC_BAD_DESCRIPTOR: 'Open the writer while the descriptor is open.',
  ERR_ZC_NOT_A_SOCKET: 'Pass a connected socket.',
  ERR_ZC_UNSUPPORTED_SOCKET: 'Use a plain TCP or UDP socket.',
  ERR_ZC_NOT_CONNECTED: 'Connect the socket first.',
  ERR_ZC_SOCKET_OWNED: 'Write through the writer that is open, or close it first.',
  ERR_ZC_MESSAGE_TOO_LARGE: 'Send smaller datagrams.',
  ERR_ZC_TOO_MANY_SEGMENTS: 'Join some of the segments first.',
  ERR_ZC_NOT_A_FILE: 'Open a regular file; pipe anything else into toWritable(writer).',
  ERR_ZC_FILE_RANGE: 'Ask fstat() for the size first; `end` is the last byte of the range, and at most size - 1.',
  ERR_ZC_FILE_TRUNCATED: 'Replace a file by rename() instead of cutting it off; then connect again, and send the whole range.',
  ERR_ZC_QUEUE_FULL: 'Await the writes before you add more.',
  ERR_ZC_CLOSED: 'Open a new writer, on a new connection where the socket is closed too.',
  ERR_ZC_PEER_RESET: 'Connect again, and ask the peer how much of the data it has: bytes that were sent may not have arrived.',
  ERR_ZC_CONNECTION_REFUSED: 'Start the receiver, or check its address and port; then send again.',
  ERR_ZC_NO_BUFFERS: 'Send more slowly, or raise net.core.wmem_max and the send buffer of the socket.',
  ERR_ZC_DRAIN_TIMEOUT: 'Find out why the peer does not read, or raise drainTimeoutMs.',
  ERR_ZC_BACKEND_UNAVAILABLE: 'Use another backend, or auto(); probe() of a backend lists what it lacks here.',
  ERR_ZC_PERMISSION:
    'Run with the capability that the system call needs (capabilities(7)), or ask an administrator to lift the rule that forbids it.',
  ERR_ZC_PLATFORM: 'Run on Linux, with a release that carries an addon for this platform.',
  ERR_ZC_LIMIT: 'Raise the limit that the message names, or close what is no longer used.',
  ERR_ZC_SYSTEM: 'Look up the errno in the manual page of the system call.',
}

/** A code of the closed set {@link ERROR_CODES}. */
export type ZeroCopyErrorCode = keyof typeof ERROR_CODES

/** The outcome of a write for its memory. See {@link ZeroCopyError.released}. */
export type ReleaseOutcome = 'zerocopy' | 'copied' | 'abandoned'

/** Fields of a {@link ZeroCopyError}. */
export interface ZeroCopyErrorInit {
  /** Name of the error number, for example `'EPIPE'`. */
  errno?: string | undefined
  /** Name of the system call that failed, for example `'sendmsg'`. */
  syscall?: string | undefined
  /** One sentence on the remedy for the caller. Left out: the remedy of the error's code. */
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
  /** One sentence on the remedy for the caller; the message ends with this sentence. Undefined for ERR_ZC_ABORTED alone. */
  readonly remedy: string | undefined
  /**
   * On an error of `write()`: settles when the kernel no longer references the memory of that write,
   * and never rejects. A write can fail after a part went to the kernel: await `released` before you
   * modify the buffer. Undefined where no memory was ever shared.
   */
  readonly released: Promise<ReleaseOutcome> | undefined

  constructor(code: ZeroCopyErrorCode, message: string, init: ZeroCopyErrorInit = {}) {
    const remedy = init.remedy ?? (code === 'ERR_ZC_ABORTED' ? undefined : REMEDIES[code])
    super(remedy === undefined ? message : `${message} ${remedy}`, init.cause === undefined ? undefined : { cause: init.cause })
    this.name = 'ZeroCopyError'
    this.code = code
    this.errno = init.errno
    this.syscall = init.syscall
    this.remedy = remedy
    this.released = init.released
  }

  /** True for any error made by sendzc, also for an error from another copy of the package. */
  static is(value: unknown): value is ZeroCopyError {
    return value instanceof Error && value.name === 'ZeroCopyError' && 'code' in value
  }
}
