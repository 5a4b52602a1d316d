import type { ReleaseOutcome } from './errors.js'

/**
 * The data of a `write()`: one piece of memory, or several that leave as one. Where the write asks for zero-copy, and a piece reaches
 * `minZerocopyBytes`, smaller pieces are copied beside it: a header and its body leave in the same packets, and the header's memory is free
 * at `sent`.
 */
export type WriteData = Uint8Array | readonly Uint8Array[]

/** A write whose bytes the kernel has queued. */
export interface SentWrite {
  /** Bytes sent: always all of them. */
  readonly bytes: number
  /**
   * Settles once, never rejects, when the kernel no longer references any byte of the write:
   * `'zerocopy'` all of it was sent from the caller's memory, but for small pieces beside large ones (see {@link WriteData}),
   * `'copied'` the kernel copied at least a part (or, with `uring` on TCP, reports
   * a copy: see `uring()`),
   * `'abandoned'` the writer gave up waiting: never reuse that buffer.
   */
  readonly released: Promise<ReleaseOutcome>
}

/**
 * The receiver of a datagram: an address and a port, checked and made ready for the kernel once. Made by `destination()`; many writers may share one, and it
 * holds no resource.
 */
export interface Destination {
  /** The IP address, as given. */
  readonly address: string
  /** The port, 1 to 65,535. */
  readonly port: number
  /** 4 for IPv4, 6 for IPv6. */
  readonly family: 4 | 6
}

/**
 * Options of one `write()` to a UDP socket. An option that cannot be sent, by this backend or on this socket, fails its own write alone: nothing else is
 * lost or overtaken.
 */
export interface DatagramOptions {
  /**
   * The receiver: a handle of `destination()`, or its address and port. Needed where the socket is not connected; on a connected socket it takes the place of the
   * peer for this write. An address must be of the socket's own family. No name is resolved.
   */
  to?: Destination | { address: string; port: number } | undefined
  /**
   * Payload of one datagram, in bytes: the kernel (or the network card) cuts the write into datagrams of this size, the last one perhaps smaller. 128 datagrams a
   * write at most (64 before Linux 6.9), and 65,507 bytes in all. A datagram must fit in the MTU: it is not fragmented. UDP_SEGMENT, Linux 4.18.
   */
  segmentBytes?: number | undefined
  /** The ECN bits of the IP header: 0 Not-ECT, 1 ECT(1), 2 ECT(0), 3 CE (RFC 3168). The other six bits stay those of the socket (IP_TOS, IPV6_TCLASS). */
  ecn?: 0 | 1 | 2 | 3 | undefined
  /** Address of this machine that the datagram comes from (IP_PKTINFO, IPV6_PKTINFO). Default: the one of the socket or of the route. */
  source?: string | undefined
  /**
   * Time at which the datagram leaves, in ns of `process.hrtime.bigint()`. A qdisc that keeps to it (`fq`) holds the datagram until then; others send at once. The
   * first such write sets SO_TXTIME on the socket, with CLOCK_MONOTONIC. Linux 4.19.
   */
  sendAtNs?: bigint | undefined
}

/** Options of one `write()`. */
export interface WriteOptions extends DatagramOptions {
  /**
   * Stops the waiting, never the pin. A write leaves the queue if the kernel has none of its bytes. On a stream, a write that was begun
   * is still sent whole, for half a write would corrupt the stream; its promise rejects at once.
   */
  signal?: AbortSignal | undefined
}

/** A file that is open: a `FileHandle` of `node:fs/promises`, or the number of a descriptor. */
export type FileSource = number | { readonly fd: number }

/** Options of one `writeFile()`. */
export interface WriteFileOptions extends Pick<WriteOptions, 'signal'> {
  /** First byte to send, from 0. Default 0. */
  start?: number | undefined
  /** Last byte to send, as in `fs.createReadStream`: `{ start: 0, end: 99 }` are 100 bytes. Default: the last byte that the file has at the call. */
  end?: number | undefined
}

/**
 * Name of a backend, for messages and statistics; no code decides by it. The names of this project are `errqueue`, `inline`, `uring`, `copy` and `memory`;
 * a backend from elsewhere has a name of its own.
 */
export type BackendName = string

/** Whether the socket keeps message boundaries. SOCK_STREAM is a stream; DGRAM, RAW and PACKET are datagram. */
export type SocketKind = 'stream' | 'datagram'

/** Counters that only a driver knows. All count from open. */
export interface DriverCounters {
  /** System calls made to send (one `io_uring_enter` counts once, on the driver whose call made it). */
  sendCalls: number
  /** System calls made to collect notifications. */
  collectCalls: number
  /** Those of `collectCalls` that found no notification. */
  emptyCollectCalls: number
  /** Notifications: ranges on the error queue or inline, notification CQEs on io_uring. */
  notifications: number
  /** Ids covered by those notifications, counted before the `released` that they bring. */
  notifiedIds: number
  /** Messages on the error queue that were not zero-copy notifications (ICMP, timestamps). */
  foreignErrors: number
  /** Bytes of memory that this driver keeps pinned now. */
  pinnedBytes: number
}

/** Counters of one writer, from its opening. */
export interface WriterStats {
  /** Name of the backend. */
  backend: BackendName
  /** Writes accepted. */
  writes: number
  /** Messages of which the kernel took at least one byte (or an empty datagram). */
  sends: number
  /** Bytes sent. */
  bytesSent: number
  /** Those of `bytesSent` that were sent by `writeFile()`. They are in no message. */
  fileBytes: number
  /** Messages that the kernel sent from the caller's memory. */
  zerocopySends: number
  /** Messages copied: by the kernel's own decision, or without a request for zero-copy. */
  copiedSends: number
  /** Copied messages by cause. The counts add up to `copiedSends`. */
  copies: {
    /** The kernel fell back to a copy (loopback reception, no scatter-gather, ...), or reports a copy: see `uring()`. */
    kernel: number
    /** Smaller than `minZerocopyBytes`, or in a message smaller than `minZerocopyMessageBytes`. */
    threshold: number
    /** ENOBUFS with nothing in flight (any with `copyAtLimit`), or more segments than a zero-copy datagram can hold. */
    limit: number
    /** The writer had stopped asking for zero-copy, since the kernel copied everything. */
    demoted: number
    /** The backend never shares memory. */
    backend: number
  }
  /** Writes that are accepted, with bytes still to send. */
  queuedWrites: number
  /** Unsent bytes of the queued writes. */
  queuedBytes: number
  /** Messages submitted and not yet released. */
  inFlight: number
  /** Bytes of the messages in flight. */
  bytesInFlight: number
  /** Bytes that the writer gave up and left pinned on purpose. */
  abandonedBytes: number
  /**
   * Messages whose memory was shared with the kernel, by submit-to-release time: bucket `i` counts times below 2^i microseconds (and of
   * at least 2^(i-1)). The writer times one batch in eight, the first included.
   */
  releaseLatencyUs: number[]
  /** Counters of the driver: system calls, notifications, pinned memory. */
  driver: DriverCounters
}

/** Sends memory over one connected socket without copying it. Made by `openWriter`. */
export interface ZeroCopyWriter extends AsyncDisposable {
  /** Name of the backend whose driver is open, for example `'uring'`; with `auto()` the name of the chosen backend. */
  readonly backend: BackendName
  /** Whether one `write()` is a piece of a stream or one datagram. */
  readonly kind: SocketKind
  /**
   * Sends `data`. The memory belongs to the kernel until `released`: do not modify, transfer or resize it before.
   * One call is one datagram on a datagram socket; on a stream, bytes leave in call order. Where memory of a stream is transferred away
   * before it is sent, its write fails (ERR_ZC_BUFFER_DETACHED). If the kernel has some bytes of that write, or other writes are queued,
   * the queued writes and all later ones fail, too, since the stream would have a hole. A write that was alone fails alone.
   * @returns when every byte is sent; where the kernel takes every byte at once, before the event loop turns
   * @throws ZeroCopyError; the error's `released` settles when the memory is free
   */
  write(data: WriteData, options?: WriteOptions): Promise<SentWrite>
  /**
   * Sends a range of a regular file by sendfile(2), in its place among the writes. The range is fixed at the call, and so is the file: its descriptor may be
   * closed at once, and a file that grows, or whose name is given to another file, changes nothing. Pages that the page cache lacks are read by a thread of libuv,
   * so that the event loop waits for no disk. Streams only; the kernel has sent no byte where an argument is refused.
   *
   * The kernel sends from the page cache: bytes that are overwritten in place before the peer has them arrive as they are then. A file that is cut off before all of
   * its range is sent ends the stream (ERR_ZC_FILE_TRUNCATED), as a buffer does that was transferred away.
   * @returns when every byte is sent; `released` settles with `'copied'` at once, since no memory of the caller was shared
   * @throws ZeroCopyError
   */
  writeFile(file: FileSource, options?: WriteFileOptions): Promise<SentWrite>
  /**
   * Waits until everything is sent and released, then lets go of the socket, which stays open and the caller's.
   * @throws ZeroCopyError ERR_ZC_DRAIN_TIMEOUT after `drainTimeoutMs`; by then the connection is aborted
   */
  close(): Promise<void>
  /** Aborts the connection, rejects queued writes, and lets go of the socket. Resolves when all shared memory is released or abandoned. */
  abort(reason?: unknown): Promise<void>
  /** A snapshot of the counters; also after the writer is closed. */
  stats(): WriterStats
  /**
   * Resolves when no further write is accepted: with the error of a connection that failed (the error of the `net.Socket` where it has one), with
   * undefined where somebody ended or closed the writer or its socket. Never rejects. A writer on a descriptor notices at its next send that the
   * peer is gone; a writer on a `net.Socket` notices when the socket reads.
   */
  readonly ended: Promise<Error | undefined>
  /** The reason for this backend; with `auto()` also the backends that were passed over. */
  readonly choice: string
}
