import type { ZeroCopyErrorCode } from '../errors.js'
import type { BackendName, DriverCounters, SocketKind } from '../writer.js'
import type { Capability } from './capabilities.js'
import type { SendBatch } from './send-batch.js'

export type { BackendName, DriverCounters, SocketKind } from '../writer.js'
export { Errno } from './errno.js'
export * from './send-batch.js'

/**
 * Sharing of one message's memory after its send, as the driver reports it:
 * `Zerocopy` and `Copied` are the kernel's own word; `None` means that the kernel never referenced the memory
 * (a plain copying send, or a send that failed at once). `Undetermined`: the kernel reports it as copied, in a case where it reports
 * shared memory so, too; a writer takes it for `Copied`, and its policy does not count it. `Abandoned`: the kernel's use of the memory stays unknown,
 * and the driver has left the memory pinned for the life of the process; the token may be used again, the memory not.
 */
export const Release = { None: 0, Zerocopy: 1, Copied: 2, Undetermined: 3, Abandoned: 4 } as const
/** One of the values of {@link Release}. */
export type ReleaseKind = (typeof Release)[keyof typeof Release]

/** Wake-ups a driver can be armed for (bits). */
export const Wake = { Writable: 1, Notification: 2 } as const

/**
 * A driver's reports to the writer. Each submitted token gets exactly one `sent` and then exactly one `released`,
 * also when the send failed. Methods may be called from within `submit`, `flush`, `collect` and `abort`, and from the event loop.
 */
export interface DriverSink {
  /**
   * The kernel's answer to one message.
   * @param token - as submitted
   * @param result - bytes queued (on a stream perhaps fewer than submitted), or a negated errno;
   *   `-ECANCELED` = not attempted, so that it overtakes nothing: on a stream, an earlier message of the batch was short or failed; on a
   *   datagram socket, an earlier one found no room (EAGAIN, ENOBUFS, ENOMEM), still waits, has failed and {@link MessageFlag} `HoldsRest`, or, where the kernel ends a
   *   chain there, failed
   */
  sent(token: number, result: number): void
  /** The kernel no longer references the memory of this message; the token may be used again. */
  released(token: number, release: ReleaseKind): void
  /** A wake-up armed with {@link Driver.arm}: those bits are disarmed. For `Notification` call {@link Driver.collect}. */
  wake(bits: number): void
}

/** A failure beneath a driver, apart from the answer to a message; an error is made from it. */
export interface DriverFailure {
  /** Code of the error. */
  code: ZeroCopyErrorCode
  /** One sentence: the cause. */
  message: string
  /** Name of the error number, for example `'EIO'`. */
  errno: string
  /** Name of the system call that failed. */
  syscall: string
  /** One sentence on what to do. */
  remedy: string
}

/**
 * The way to the kernel of the runtime's own socket object, past the writer and whatever stands around the object. For a driver that can do without
 * a descriptor.
 */
export interface OwnWay {
  /** Whether the socket keeps message boundaries. */
  readonly kind: SocketKind
  /** Bytes that {@link send} was given so far. */
  readonly handedBytes: number
  /**
   * Sends one message, the next one only after `done`. The memory must stay unchanged until then.
   * @param done - runs once, perhaps before this call returns: without an error when the kernel has every byte
   */
  send(message: Uint8Array, done: (error?: Error | null) => void): void
  /** Destroys the socket; a stream is reset where the runtime can do that. */
  reset(): void
}

/** The argument of {@link Backend.open}. */
export interface DriverOpenOptions {
  /**
   * A connected socket, or one of UDP. The driver makes a `dup` of its own and never closes this one. -1 where the runtime shows no descriptor: only on a platform
   * or runtime on which no addon of this project runs.
   */
  fd: number
  /** The way of the caller's socket object; left out where the caller gave a descriptor. */
  ownWay?: (() => OwnWay) | undefined
  /** Receives the events. */
  sink: DriverSink
  /** Capacity in tokens: messages submitted and not yet released. Tokens are `0 .. maxInFlight - 1`, chosen by the caller. */
  maxInFlight: number
}

/**
 * What a driver of streams offers beside messages: the bytes of files. All of it or none. Synchronous; no event follows. Answers are counts, or negated
 * errnos. Files are independent of the driver's end: the caller closes each that it opened.
 */
export interface FileSender {
  /**
   * Makes a descriptor of its own of `fd`, so that closing `fd` does no harm.
   * @param facts - gets six values: size of the file in bytes, st_mode, flags of open(2), 1 where a send on the driver's socket never sleeps, else 0,
   *   st_ino, and st_ctim in seconds; the last two may be left as they are, at 0
   * @returns the descriptor, for the other methods and for `fs.read`
   */
  openFile(fd: number, facts: Float64Array): number
  /** Whether memory has these bytes of the file, so that sending them waits for no disk: 1 or 0, or a negated errno where that is unknown. */
  isFileCached(file: number, offset: number, bytes: number): number
  /**
   * Sends bytes of the file that follow on everything that was submitted. Called while no message waits for its `sent`.
   * @returns bytes that the kernel took: fewer than asked where the socket is full, 0 behind the end of the file; `-EAGAIN`: no room
   */
  sendFile(file: number, offset: number, bytes: number): number
  /** Closes the descriptor. */
  closeFile(file: number): void
}

/**
 * One kernel interface for one socket. Synchronous; knows nothing of promises; allocates nothing per send.
 *
 * The caller owes: tokens in range and free; messages within `maxSegmentsPerMessage`; on a stream, no `submit` while a message waits for its `sent`,
 * or bytes would overtake each other. From within a method of its sink it calls nothing but `answeredBy`, `counters`, `arm`, `disarm` and `close`:
 * a driver may refuse a `submit`, `flush`, `collect` or `abort` there with an error.
 *
 * The driver owes:
 * - **Pinning.** From `submit` until `released(token)` the memory of a message stays allocated, where it is, and the same. A reference to the Uint8Array is not
 *   enough: its ArrayBuffer can be transferred (`postMessage`, `structuredClone`), and an environment that ends drops every reference. Hold the backing store.
 * - **Events.** One `sent`, then one `released`, for every token, also of a failed send. `released` comes no earlier than the kernel's word for that very message,
 *   and {@link DriverCounters.notifiedIds} has counted it by then. Ids are 32 bits and wrap: a range is walked by its length.
 * - **Order.** On a stream, what follows a short or failed message of its batch is not attempted.
 * - **The end.** No event follows `close`, also where it is called from within the sink. A closed driver is inert: `arm`, `disarm`, `flush`, `collect`, `abort` and `close`
 *   do nothing, also where a driver that was opened later has its place in a table; `submit` throws.
 *
 * `conformance` of `@sendzc/core/conformance` checks a driver against all of these.
 */
export interface Driver extends Partial<FileSender> {
  /** Name of its backend. */
  readonly backend: BackendName
  /** Kind of its socket. */
  readonly kind: SocketKind
  /** False: memory is never shared with the kernel after `sent` (the copy driver). */
  readonly zerocopy: boolean
  /**
   * True: notifications come to the error queue of the socket, which nobody else may read while a message is in flight. A `dgram.Socket` does not receive
   * meanwhile, for libuv 1.52 and later reads that queue too.
   */
  readonly readsErrorQueue: boolean
  /** Capacity in tokens. */
  readonly maxInFlight: number
  /** Largest number of segments of one message. */
  readonly maxSegmentsPerMessage: number
  /**
   * The driver sends the envelopes of a batch, on a socket whose addresses are of this family: 4 or 6. Left out: it does not know envelopes, or its
   * socket is none of UDP; no batch that it gets has an envelope, and the writer refuses a write that needs one.
   */
  readonly addressFamily?: 4 | 6 | undefined
  /** Hands a batch to the kernel. A driver with a shared queue may hold it until {@link flush}. The batch may be cleared at return. */
  submit(batch: SendBatch): void
  /**
   * Drivers that share a queue now have the same `group`; one {@link flush} on any of them hands over what all of them hold.
   * Null: `submit` has handed over everything already.
   */
  readonly group: object | null
  /** Hands over what `submit` held back, and delivers events that are ready. */
  flush(): void
  /** Fetches the notifications that are there now, without waiting. Makes no system call when nothing is in flight. */
  collect(): void
  /**
   * Asks for one `sink.wake` per bit, from the event loop. Arming an armed bit is free. A driver with armed bits keeps the loop alive, and so
   * does one that owes a `sent`, which comes unasked.
   */
  arm(bits: number): void
  /** Withdraws armed bits, so that they no longer keep the event loop alive. */
  disarm(bits: number): void
  /**
   * Whether armed bits and owed answers keep the event loop alive: as after `ref()`, which is the default, or not, as after `unref()`. A driver
   * without the pair always keeps it alive.
   */
  ref?(): void
  /** See {@link ref}. */
  unref?(): void
  /** Aborts the connection so that the kernel lets go of queued memory (TCP: RST by `connect(AF_UNSPEC)`), and delivers what it then reports. */
  abort(): void
  /**
   * Bytes of a stream that the kernel has taken and the peer has not acknowledged (SIOCOUTQ, tcp(7)). Left out: the driver can't know, and
   * the writer waits for its shared memory alone.
   */
  undeliveredBytes?(): number
  /**
   * Bytes of a TCP connection that the peer has acknowledged since its beginning (`tcpi_bytes_acked`, Linux 4.1), by whomever they were sent.
   * Left out: the bytes that the kernel has taken stand for the peer's progress.
   */
  acknowledgedBytes?(): number
  /**
   * Where the failed answer to `token` came from, within its `sent`. The name of a system call: the answer is the kernel's own to the message. A failure: something
   * beneath the driver failed for good, and errno and call stand there, whatever the answer was. Left out: `'sendmsg'`.
   */
  answeredBy?(token: number): string | DriverFailure
  /** The failure beneath the driver that is final, if there was one: no further answer comes for the messages in flight. */
  failure?(): DriverFailure | undefined
  /** A snapshot of the counters; after {@link close}, of the moment of closing. */
  counters(): DriverCounters
  /**
   * Closes the dup. No event follows. Memory still in flight is not freed: the driver leaves it pinned for the life of the process
   * (and says how much). Idempotent.
   * @returns bytes left pinned on purpose, those of messages released as `Abandoned` among them
   */
  close(): number
}

/** Memory of a whole process, in bytes. */
export interface ProcessMemory {
  /** Pinned now. */
  pinnedBytes: number
  /** Left pinned on purpose: the kernel's use of it stays unknown. */
  leakedBytes: number
}

/**
 * Version of the interface between a writer and a driver: of this module's types and what they promise. It rises with each change that a backend must
 * follow; what a backend may leave alone (an optional method, a flag that a driver has to ask for) leaves it as it is.
 */
export const DRIVER_INTERFACE_VERSION = 1

/** One way in which the kernel reports a release: made by `errqueue()`, `inline()`, `uring()`, `copy()`. */
export interface Backend {
  /**
   * The {@link DRIVER_INTERFACE_VERSION} that the backend was written for, as a number of its own: a backend that imported the constant would always
   * agree. `openWriter` refuses another version. Left out: not checked.
   */
  readonly driverInterfaceVersion?: number
  /** Its name, for messages and statistics. */
  readonly name: BackendName
  /**
   * One function for each addon beneath: the memory that the addon keeps pinned in the whole process, for the limit of `zeroCopy()` over all threads.
   * Backends of one addon give the same function. Left out: each thread knows its own memory alone.
   */
  readonly processMemory?: readonly (() => ProcessMemory)[]
  /** Checks this host. Never throws; the reasons are in the result. */
  probe(): Capability
  /** Opens a driver. Throws a ZeroCopyError with cause and remedy where it cannot work. */
  open(options: DriverOpenOptions): Driver
}
