import { type DriverCounters, type SocketKind, ZeroCopyError } from '@sendzc/core'
import {
  type Driver,
  type DriverOpenOptions,
  type DriverSink,
  Errno,
  type OwnWay,
  Release,
  type SendBatch,
  TABLE_WORDS,
  Wake,
} from '@sendzc/core/driver'

/** Bytes of a stream that are copied, and on their way, at a time. What a message has beyond them is answered as unsent. */
const MAX_COPIED_BYTES = 1_048_576
/** Segments of one message at most: as with the other drivers of this package. */
const MAX_SEGMENTS_PER_MESSAGE = 256

/** Errors of a datagram that is sent later all the same: the datagrams behind it wait with it. */
const SHORTAGES: readonly number[] = [Errno.EAGAIN, Errno.ENOBUFS, Errno.ENOMEM]
/** Codes of Node.js' errors, without an errno, for a closed socket. */
const CLOSED_CODES: readonly unknown[] = ['ERR_SOCKET_CLOSED', 'ERR_STREAM_DESTROYED', 'ERR_SOCKET_DGRAM_NOT_RUNNING']

/** A message that waits for its answer. */
interface CopiedMessage {
  token: number
  /** A copy of the message, or of its beginning. */
  bytes: Uint8Array
  /** False: the message has more bytes than were copied. */
  whole: boolean
}

/**
 * Sends copies by the socket's own way: on platforms and runtimes on which no addon can run. The messages are copied at `submit`, so that nothing is
 * shared with anybody and a transfer of the caller's memory does no harm. They leave one after the other.
 */
export class OwnWayDriver implements Driver {
  readonly backend = 'copy'
  readonly zerocopy = false
  readonly readsErrorQueue = false
  readonly group = null
  readonly maxSegmentsPerMessage = MAX_SEGMENTS_PER_MESSAGE
  readonly kind: SocketKind
  readonly maxInFlight: number
  readonly #way: OwnWay
  readonly #sink: DriverSink
  readonly #waiting: CopiedMessage[] = []
  /** The first of the waiting messages is under way. */
  #sending = false
  #aborted = false
  #closed = false
  /** Armed bits. */
  #armed = 0
  #sendCalls = 0
  #failedCall: string
  #wakeUp: NodeJS.Immediate | undefined

  constructor(way: OwnWay, { sink, maxInFlight }: DriverOpenOptions) {
    this.#way = way
    this.#sink = sink
    this.kind = way.kind
    this.maxInFlight = maxInFlight
    this.#failedCall = way.kind === 'stream' ? 'write' : 'send'
  }

  submit(batch: SendBatch): void {
    if (this.#closed) throw new ZeroCopyError('ERR_ZC_CLOSED', 'copy: submit() after close().')
    let budget = this.kind === 'stream' ? MAX_COPIED_BYTES : Number.POSITIVE_INFINITY
    for (let message = 0, segment = 0; message < batch.messageCount; message++) {
      const count = batch.table[message * TABLE_WORDS + 1] as number
      const segments = batch.segments.slice(segment, segment + count) as Uint8Array[]
      segment += count
      const total = segments.reduce((sum, { byteLength }) => sum + byteLength, 0)
      const bytes = copyOf(segments, Math.min(total, budget))
      budget -= bytes.byteLength
      this.#waiting.push({ token: batch.table[message * TABLE_WORDS] as number, bytes, whole: bytes.byteLength === total })
    }
    this.#sendNext()
  }

  /** Sends until a message is under way whose answer comes later. A loop: most answers come before the call returns, and recursion would be as deep as a batch. */
  #sendNext(): void {
    while (!this.#sending && !this.#closed) {
      const message = this.#waiting[0]
      if (message === undefined) return
      this.#sending = true
      this.#sendCalls++
      let within = true
      this.#way.send(message.bytes, (error) => {
        this.#sending = false
        if (this.#closed) return
        this.#waiting.shift()
        this.#answer(message, error ?? undefined)
        if (!within) this.#sendNext()
        this.#wakeSoon()
      })
      within = false
    }
  }

  #answer({ token, bytes, whole }: CopiedMessage, error: Error | undefined): void {
    const errno = error === undefined ? 0 : this.#aborted ? Errno.ECANCELED : this.#errnoOf(error)
    const endsBatch = this.kind === 'stream' ? errno !== 0 || !whole : SHORTAGES.includes(errno)
    // Taken first: a report may make the sink submit more.
    const canceled = endsBatch ? this.#waiting.splice(0) : []
    this.#report(token, errno === 0 ? bytes.byteLength : -errno)
    for (const each of canceled) this.#report(each.token, -Errno.ECANCELED)
  }

  #report(token: number, result: number): void {
    if (!this.#closed) this.#sink.sent(token, result)
    if (!this.#closed) this.#sink.released(token, Release.None)
    this.#wake(Wake.Notification)
  }

  #errnoOf(error: NodeJS.ErrnoException): number {
    if (typeof error.syscall === 'string') this.#failedCall = error.syscall
    if (CLOSED_CODES.includes(error.code)) return Errno.EBADF
    // Node.js' code for a datagram without a receiver.
    if (error.code === 'ERR_SOCKET_BAD_PORT') return Errno.EDESTADDRREQ
    return Errno[error.code as keyof typeof Errno] ?? Errno.EIO
  }

  answeredBy(): string {
    return this.#failedCall
  }

  flush(): void {}

  collect(): void {}

  arm(bits: number): void {
    if (this.#closed) return
    this.#armed |= bits
    this.#wakeSoon()
  }

  disarm(bits: number): void {
    this.#armed &= ~bits
  }

  /** There is room when no message is under way. Nothing is notified of, but what has come while `Notification` was armed. */
  #wakeSoon(): void {
    if (this.#sending || (this.#armed & Wake.Writable) === 0) return
    this.#wakeUp ??= setImmediate(() => {
      this.#wakeUp = undefined
      if (!this.#sending) this.#wake(Wake.Writable)
    })
  }

  #wake(bit: number): void {
    if (this.#closed || (this.#armed & bit) === 0) return
    this.#armed &= ~bit
    this.#sink.wake(bit)
  }

  abort(): void {
    if (this.#closed) return
    this.#aborted = true
    this.#way.reset()
  }

  counters(): DriverCounters {
    return {
      sendCalls: this.#sendCalls,
      collectCalls: 0,
      emptyCollectCalls: 0,
      notifications: 0,
      notifiedIds: 0,
      foreignErrors: 0,
      pinnedBytes: 0,
    }
  }

  close(): number {
    this.#closed = true
    clearImmediate(this.#wakeUp)
    this.#waiting.length = 0
    return 0
  }
}

/** A copy of the first `length` bytes. */
function copyOf(segments: readonly Uint8Array[], length: number): Uint8Array {
  const copy = Buffer.allocUnsafe(length)
  let at = 0
  for (const segment of segments) {
    if (at === length) break
    const part = segment.subarray(0, length - at)
    copy.set(part, at)
    at += part.byteLength
  }
  return copy
}
