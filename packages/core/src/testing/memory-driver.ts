import {
  type Driver,
  type DriverCounters,
  type DriverOpenOptions,
  type DriverSink,
  Errno,
  MessageFlag,
  Release,
  type ReleaseKind,
  type SendBatch,
  type SocketKind,
  TABLE_WORDS,
  Wake,
} from '../driver/driver.js'
import { ZeroCopyError } from '../errors.js'
import type { MemoryBackend } from './memory-backend.js'
import { MemoryFiles } from './memory-files.js'
import type { MemorySocket } from './memory-kernel.js'
import type { NotificationRange } from './notification-queue.js'
import { PinnedSegment, type Segment } from './pinned-segment.js'

/** Errors of a datagram that is sent later all the same: the datagrams behind it wait with it. */
const SHORTAGES: readonly number[] = [Errno.EAGAIN, Errno.ENOBUFS, Errno.ENOMEM]

/** A message that the driver keeps until it can be sent. */
export interface HeldMessage {
  token: number
  segments: Segment[]
  bytes: number
  zerocopy: boolean
}

type DriverEvent = { kind: 'sent'; token: number; value: number } | { kind: 'released'; token: number; value: ReleaseKind }

/** Driver of one {@link MemorySocket}. */
export class MemoryDriver implements Driver {
  readonly backend = 'memory'
  readonly kind: SocketKind
  readonly zerocopy: boolean
  readonly readsErrorQueue = false
  readonly maxInFlight: number
  readonly maxSegmentsPerMessage: number
  readonly group: object | null
  readonly socket: MemorySocket
  readonly #home: MemoryBackend
  readonly #sink: DriverSink
  readonly #files = new MemoryFiles()
  readonly #tokenOfId = new Map<number, { token: number; bytes: number }>()
  readonly #events: DriverEvent[] = []
  /** Messages that the fake io_uring keeps until the socket has room. */
  #parked: HeldMessage[] = []
  /** Open and referenced while a wake-up is armed: it keeps the loop alive, as a uv handle does. */
  readonly #keepAlive = new MessageChannel()
  readonly #onActivity = () => this.#socketChanged()
  #armed = 0
  #delivering = false
  #closed = false
  #pinnedAtClose = 0
  readonly #counters: DriverCounters = {
    sendCalls: 0,
    collectCalls: 0,
    emptyCollectCalls: 0,
    notifications: 0,
    notifiedIds: 0,
    foreignErrors: 0,
    pinnedBytes: 0,
  }

  constructor(home: MemoryBackend, socket: MemorySocket, options: DriverOpenOptions) {
    this.#home = home
    this.#sink = options.sink
    this.socket = socket
    this.kind = socket.kind
    this.zerocopy = home.options.zerocopy
    this.maxInFlight = options.maxInFlight
    this.maxSegmentsPerMessage = home.options.maxSegmentsPerMessage
    this.group = home.options.deferred === null ? null : home
    this.#keepAlive.port1.unref()
    socket.watch(this.#onActivity)
  }

  /** Bits of {@link Wake} that are armed now. */
  get armed(): number {
    return this.#armed
  }

  submit(batch: SendBatch): void {
    if (this.#closed) throw new ZeroCopyError('ERR_ZC_CLOSED', 'The memory driver is closed.')
    const messages = copyBatch(batch, this.zerocopy)
    if (this.group !== null) {
      this.#home.held.push({ driver: this, messages })
      return
    }
    this.#counters.sendCalls++
    for (const message of messages) message.segments = present(message.segments, this.kind)
    this.#sendAll(messages)
    this.#deliver()
  }

  flush(): void {
    const held = this.#home.held.splice(0)
    if (held.length > 0) this.#counters.sendCalls++
    for (const { driver, messages } of held) {
      if (driver.#closed) continue
      for (const message of messages) message.segments = present(message.segments, driver.kind)
      if (driver.#parked.length > 0) driver.#park(messages)
      else driver.#sendAll(messages)
      driver.#deliverDeferred()
    }
  }

  collect(): void {
    if (this.#closed || this.#tokenOfId.size === 0) return
    for (;;) {
      const ranges = this.socket.collect(this.#home.options.rangesPerCall)
      this.#counters.collectCalls++
      if (ranges.length === 0) this.#counters.emptyCollectCalls++
      for (const range of ranges) this.#releaseRange(range)
      // A short answer, or no notification to wait for: one more call could only find an empty queue.
      if (ranges.length < this.#home.options.rangesPerCall || this.#tokenOfId.size === 0) break
    }
    this.#deliver()
  }

  arm(bits: number): void {
    if (this.#closed) return
    this.#armed |= bits
    this.#keepAlive.port1.ref()
    this.socket.kick()
  }

  disarm(bits: number): void {
    this.#armed &= ~bits
    if (this.#armed === 0) this.#keepAlive.port1.unref()
  }

  abort(): void {
    if (this.#closed) return
    this.socket.abort()
    for (const message of this.#takeUnsent()) this.#answer(message, -Errno.ECONNRESET, -1)
    this.collect()
    this.#deliver()
  }

  openFile(fd: number, facts: Float64Array): number {
    return this.#files.open(fd, facts)
  }

  isFileCached(): number {
    return 1
  }

  sendFile(file: number, offset: number, bytes: number): number {
    if (this.#closed) return -Errno.EBADF
    const chunk = this.#files.read(file, offset, Math.min(bytes, this.#home.options.sendBufferBytes))
    if (chunk.byteLength === 0) return 0
    this.#counters.sendCalls++
    return this.socket.send([chunk], false).result
  }

  closeFile(file: number): void {
    this.#files.close(file)
  }

  counters(): DriverCounters {
    return { ...this.#counters }
  }

  close(): number {
    if (this.#closed) return this.#pinnedAtClose
    this.#closed = true
    this.#events.length = 0
    this.#takeUnsent()
    this.disarm(this.#armed)
    this.#keepAlive.port1.close()
    this.socket.unwatch(this.#onActivity)
    this.#pinnedAtClose = this.#counters.pinnedBytes
    return this.#pinnedAtClose
  }

  /** Messages that were submitted and never tried: parked, and held back in the group. */
  #takeUnsent(): HeldMessage[] {
    const unsent = this.#parked.splice(0)
    const { held } = this.#home
    for (let at = held.length - 1; at >= 0; at--) {
      if (held[at]?.driver === this) unsent.push(...(held.splice(at, 1)[0]?.messages ?? []))
    }
    return unsent
  }

  #sendAll(messages: HeldMessage[]): void {
    for (let at = 0; at < messages.length; at++) {
      const message = messages[at] as HeldMessage
      const { result, id } = this.socket.send(message.segments, message.zerocopy)
      if (result === -Errno.EAGAIN && this.group !== null) {
        // io_uring waits for room itself: the answer comes later, in order.
        this.#park(messages.slice(at))
        return
      }
      this.#answer(message, result, id)
      const stops = this.kind === 'stream' ? result < message.bytes : SHORTAGES.includes(-result)
      if (!stops) continue
      for (const rest of messages.slice(at + 1)) this.#answer(rest, -Errno.ECANCELED, -1)
      return
    }
  }

  /** Gives the messages to the kernel, and pins their memory. */
  #park(messages: readonly HeldMessage[]): void {
    for (const message of messages) message.segments = message.segments.map((segment) => PinnedSegment.shared(segment))
    this.#parked.push(...messages)
  }

  #answer(message: HeldMessage, result: number, id: number): void {
    this.#events.push({ kind: 'sent', token: message.token, value: result })
    if (id < 0) {
      this.#events.push({ kind: 'released', token: message.token, value: Release.None })
      return
    }
    const bytes = Math.max(result, 0)
    this.#tokenOfId.set(id, { token: message.token, bytes })
    this.#counters.pinnedBytes += bytes
  }

  #releaseRange(range: NotificationRange): void {
    this.#counters.notifications++
    this.#home.options.walkIds(range.lo, range.hi, (id) => {
      this.#counters.notifiedIds++
      const entry = this.#tokenOfId.get(id)
      // The id belongs to a driver that was open on this socket before.
      if (entry === undefined) return
      this.#tokenOfId.delete(id)
      this.#counters.pinnedBytes -= entry.bytes
      this.#events.push({ kind: 'released', token: entry.token, value: range.copied ? Release.Copied : Release.Zerocopy })
    })
  }

  #socketChanged(): void {
    if (this.#parked.length > 0 && this.socket.writable) this.#sendAll(this.#parked.splice(0))
    let bits = 0
    if (this.socket.writable) bits |= Wake.Writable
    if (this.socket.hasNotification) bits |= Wake.Notification
    // The completion queue of a ring is emptied whether somebody armed a wake-up or not.
    if (this.#home.options.deferred === 'loop') this.collect()
    this.#deliver()
    if (this.#closed) return
    bits &= this.#armed
    if (bits === 0) return
    this.disarm(bits)
    this.#sink.wake(bits)
  }

  #deliverDeferred(): void {
    if (this.#home.options.deferred === 'loop') setImmediate(() => this.#deliver())
    else this.#deliver()
  }

  /** A sink may submit from within: its events join the queue that is being delivered. */
  #deliver(): void {
    if (this.#delivering) return
    this.#delivering = true
    try {
      for (let event = this.#events.shift(); event !== undefined && !this.#closed; event = this.#events.shift()) {
        if (event.kind === 'sent') this.#sink.sent(event.token, event.value)
        else this.#sink.released(event.token, event.value)
      }
    } finally {
      this.#delivering = false
    }
  }
}

/**
 * Makes the segments that the kernel gets now. Memory that was transferred away while the message was held is left out; of a stream's message no byte
 * behind such memory is given, so that no later byte leaves in its place.
 */
function present(segments: Segment[], kind: SocketKind): Segment[] {
  const gone = segments.findIndex(({ byteLength }) => byteLength === 0)
  const left = gone < 0 || kind === 'datagram' ? segments : segments.slice(0, gone)
  return left.filter(({ byteLength }) => byteLength > 0)
}

function copyBatch(batch: SendBatch, mayShare: boolean): HeldMessage[] {
  const messages: HeldMessage[] = []
  let segment = 0
  for (let at = 0; at < batch.messageCount * TABLE_WORDS; at += TABLE_WORDS) {
    const count = batch.table[at + 1] as number
    const segments = batch.segments.slice(segment, segment + count) as Uint8Array[]
    segment += count
    messages.push({
      token: batch.table[at] as number,
      segments,
      bytes: segments.reduce((sum, piece) => sum + piece.byteLength, 0),
      zerocopy: mayShare && ((batch.table[at + 2] as number) & MessageFlag.Zerocopy) !== 0,
    })
  }
  return messages
}
