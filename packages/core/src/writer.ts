import type { BackendName, DriverCounters, SocketKind } from './driver/driver.js'
import type { ReleaseOutcome } from './errors.js'

/** The data of a `write()`: one piece of memory, or several that leave as one. */
export type WriteData = Uint8Array | readonly Uint8Array[]

/** A write whose bytes the kernel has queued. */
export interface SentWrite {
  /** Bytes sent: always all of them. */
  readonly bytes: number
  /**
   * Settles once, never rejects, when the kernel no longer references any byte of the write:
   * `'zerocopy'` all of it was sent from the caller's memory, `'copied'` the kernel copied at least a part (or, with `uring` on TCP, says
   * so: see `uring()`),
   * `'abandoned'` the writer gave up waiting: never reuse that buffer.
   */
  readonly released: Promise<ReleaseOutcome>
}

/** Options of one `write()`. */
export interface WriteOptions {
  /**
   * Stops the waiting, never the pin. A write of which the kernel has nothing leaves the queue; on a stream, one that was begun
   * is still sent whole, for half a write would corrupt the stream, but its promise rejects at once.
   */
  signal?: AbortSignal | undefined
}

/** Counters of one writer, from its opening. */
export interface WriterStats {
  /** Name of the backend. */
  backend: BackendName
  /** Writes accepted. */
  writes: number
  /** Messages handed to the kernel that it took at least a byte of (or an empty datagram). */
  sends: number
  /** Bytes sent. */
  bytesSent: number
  /** Messages that the kernel sent from the caller's memory. */
  zerocopySends: number
  /** Messages copied: by the kernel's own decision, or never asked for zero-copy. */
  copiedSends: number
  /** Why messages were copied. They add up to `copiedSends`. */
  copies: {
    /** The kernel fell back (loopback reception, no scatter-gather, ...), or says so: see `uring()`. */
    kernel: number
    /** Smaller than `minZerocopyBytes`, or in a message smaller than `minZerocopyMessageBytes`. */
    threshold: number
    /** ENOBUFS with nothing in flight (any with `copyAtLimit`), or more segments than a zero-copy datagram can hold. */
    limit: number
    /** The writer had stopped asking since the kernel copied everything. */
    demoted: number
    /** The backend never shares memory. */
    backend: number
  }
  /** Writes that are accepted and not yet wholly sent. */
  queuedWrites: number
  /** Bytes of those writes that are not yet sent. */
  queuedBytes: number
  /** Messages submitted and not yet released. */
  inFlight: number
  /** Bytes of those messages. */
  bytesInFlight: number
  /** Bytes given up and left pinned on purpose. */
  abandonedBytes: number
  /**
   * Messages whose memory was shared with the kernel, by submit-to-release time: bucket `i` counts those of less than 2^i microseconds (and at
   * least 2^(i-1)). A sample: of one batch in eight, the first included.
   */
  releaseLatencyUs: number[]
  /** Counters of the driver: system calls, notifications, pinned memory. */
  driver: DriverCounters
}

/** Sends memory over one connected socket without copying it. Made by `openWriter`. */
export interface ZeroCopyWriter extends AsyncDisposable {
  /** Name of the backend whose driver is open, for example `'uring'`; with `auto()` that of the chosen one. */
  readonly backend: BackendName
  /** Whether one `write()` is a piece of a stream or one datagram. */
  readonly kind: SocketKind
  /**
   * Sends `data`. The memory belongs to the kernel until `released`: do not modify, transfer or resize it before.
   * One call is one datagram on a datagram socket; on a stream, bytes leave in call order, and where memory is transferred away before it is sent,
   * nothing that was written behind it leaves in its place: those writes fail with it (ERR_ZC_BUFFER_DETACHED), and so do later ones.
   * @returns when every byte is sent; where the kernel takes them at once, before the event loop turns
   * @throws ZeroCopyError; its `released` settles when the memory is free
   */
  write(data: WriteData, options?: WriteOptions): Promise<SentWrite>
  /**
   * Waits until everything is sent and released, then lets go of the socket, which stays open and the caller's.
   * @throws ZeroCopyError ERR_ZC_DRAIN_TIMEOUT after `drainTimeoutMs`; by then the connection is aborted
   */
  close(): Promise<void>
  /** Aborts the connection, rejects what is queued, and lets go. Resolves when no memory is shared, or it is abandoned. */
  abort(reason?: unknown): Promise<void>
  /** A snapshot of the counters; also after the writer is closed. */
  stats(): WriterStats
  /**
   * Resolves when no further write is accepted: with the error of a connection that failed (that of the `net.Socket` where it has one), with
   * undefined where somebody ended or closed the writer or its socket. Never rejects. A descriptor's writer notices a peer that is gone by
   * its next send; a `net.Socket` notices by its reading.
   */
  readonly ended: Promise<Error | undefined>
  /** Why this backend was chosen; with `auto()` also what was passed over. */
  readonly choice: string
}
