import { Errno, type SocketKind } from '../driver/driver.js'
import { PinnedSegment, type Segment } from './pinned-segment.js'

/**
 * How published ids look: merged in order, one by one, or scattered: split at random, delayed, and truly out of order, since
 * the fake device then reads one send before another that was queued earlier (the peer puts them in order again).
 */
export type RangeShape = 'coalesced' | 'single' | 'scattered'

/** The scriptable part of the fake kernel. Every value has a default; the same options and the same seed give the same run. */
export interface MemoryKernelOptions {
  /** Kind of a socket that is opened by an unknown fd. Default `'stream'`. */
  kind?: SocketKind
  /** Seed of the pseudo-random choices (u32). Default 1. */
  seed?: number
  /** Bytes that a socket queues before it answers -EAGAIN. Default 262,144. */
  sendBufferBytes?: number
  /** Bytes that one turn of the event loop carries to the peer, per socket. Default 65,536. */
  bytesPerTurn?: number
  /** First notification id (u32); it wraps. Default 0. */
  firstId?: number
  /** Default `'coalesced'`, what the kernel's error queue does when nothing gets in its way. */
  ranges?: RangeShape
  /** Fraction of zero-copy sends that the kernel copies all the same, 0 to 1. Default 0. */
  copiedFraction?: number
  /** Zero-copy sends whose notification was not collected yet, at most; one more is answered -ENOBUFS (optmem). Default: no limit. */
  maxUncollectedSends?: number
  /** Largest datagram, in bytes. Default 65,507 (UDP over IPv4). */
  maxDatagramBytes?: number
  /** False: an aborted connection keeps its memory (a device that never answers). Default true. */
  abortReleases?: boolean
}

/** One failure that a socket plays to the sends that come. */
export interface InjectedFault {
  /** Positive errno, for example `Errno.ENOBUFS`. */
  errno: number
  /** Sends that it hits. Default 1. */
  times?: number
  /** Sends that pass before it. Default 0. */
  after?: number
  /** True: hits only sends that ask for zero-copy. Default false. */
  zerocopyOnly?: boolean
  /** True: the failed send keeps its memory until a notification (`io_uring_enter(2)`: "even a failed request may notify"). Default false. */
  notifies?: boolean
}

/** An inclusive range of ids that wraps. */
export interface NotificationRange {
  lo: number
  hi: number
  copied: boolean
}

/** Answer to one send. */
export interface SendAnswer {
  /** Bytes queued, or a negated errno. */
  result: number
  /** Id whose notification will free the memory, or -1. */
  id: number
}

interface QueuedSend {
  views: { segment: PinnedSegment; bytes: number }[]
  view: number
  offset: number
  left: number
  id: number
  /** The bytes were read, and are not yet at the peer. */
  carried: Uint8Array[]
  /** Every byte was read: the memory is let go of. */
  done: boolean
}

/** Sends at the head of the queue that a scattering device chooses from. */
const SCATTER_WINDOW = 4

/** Deterministic pseudo-random numbers, uniform in [0, 1). */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}

/**
 * A connected socket of the fake kernel. As the real one does, it keeps references to zero-copy memory and reads the bytes
 * only when they leave, so that a buffer that its owner modified too early arrives modified.
 */
export class MemorySocket {
  readonly fd: number
  readonly kind: SocketKind
  /** Takes what arrives at the peer: on a stream any piece, on a datagram socket one datagram. The default keeps it in {@link received}. */
  receive: (chunk: Uint8Array) => void = (chunk) => this.received.push(chunk)
  /** Data that arrived before anybody replaced {@link receive}. */
  readonly received: Uint8Array[] = []
  /** Called once when the connection dies. */
  onDead: (errno: number) => void = () => {}
  /** True: notifications stay in the kernel until it is false again and {@link kick} is called. */
  withholdNotifications = false
  readonly #options: Required<MemoryKernelOptions>
  readonly #random: () => number
  readonly #watchers = new Set<() => void>()
  readonly #faults: InjectedFault[] = []
  readonly #finished: { id: number; copied: boolean }[] = []
  #errorQueue: NotificationRange[] = []
  #queue: QueuedSend[] = []
  #queuedBytes = 0
  #nextId: number
  #uncollectedSends = 0
  #paused = false
  #errno = 0
  #socketError = 0
  #turnScheduled = false

  constructor(fd: number, kind: SocketKind, options: Required<MemoryKernelOptions>) {
    this.fd = fd
    this.kind = kind
    this.#options = options
    this.#random = seededRandom(options.seed + fd)
    this.#nextId = options.firstId >>> 0
  }

  /** Bytes queued and not yet carried to the peer. */
  get queuedBytes(): number {
    return this.#queuedBytes
  }

  /** Id that the next zero-copy send gets. */
  get nextId(): number {
    return this.#nextId
  }

  /** As EPOLLOUT: a third of the buffer is free, or the connection is dead. */
  get writable(): boolean {
    return this.#errno !== 0 || this.#queuedBytes * 3 <= this.#options.sendBufferBytes * 2
  }

  /** As EPOLLERR: a notification can be collected, or the connection is dead. */
  get hasNotification(): boolean {
    return this.#errorQueue.length > 0 || this.#socketError !== 0
  }

  /** While true, no byte leaves, as with a peer that does not read. */
  get paused(): boolean {
    return this.#paused
  }

  set paused(paused: boolean) {
    this.#paused = paused
    this.kick()
  }

  /** Adds a failure; those that were added first come first. */
  inject(fault: InjectedFault): void {
    this.#faults.push({ ...fault })
  }

  /** Registers a callback for "something changed", called from the event loop. */
  watch(watcher: () => void): void {
    this.#watchers.add(watcher)
  }

  unwatch(watcher: () => void): void {
    this.#watchers.delete(watcher)
  }

  /** One sendmsg: queues what fits, keeps references where `zerocopy`. */
  send(segments: readonly Segment[], zerocopy: boolean): SendAnswer {
    const fault = this.#nextFault(zerocopy)
    if (fault !== undefined) {
      const id = fault.notifies === true && zerocopy ? this.#takeId() : -1
      if (id >= 0) this.#finish(id)
      return { result: -fault.errno, id }
    }
    if (this.#errno !== 0) return { result: -this.#takeError(), id: -1 }
    const total = segments.reduce((sum, segment) => sum + segment.byteLength, 0)
    const room = this.#roomFor(total)
    if (room < 0) return { result: room, id: -1 }
    // As tcp_sendmsg and ip_append_data do: an empty message takes no id, so that no notification will ever come for it.
    const shares = zerocopy && total > 0
    if (shares && this.#uncollectedSends >= this.#options.maxUncollectedSends) return { result: -Errno.ENOBUFS, id: -1 }
    const id = shares ? this.#takeId() : -1
    this.#enqueue(segments, room, id)
    return { result: room, id }
  }

  /** One recvmsg(MSG_ERRQUEUE) after the other, up to `maxRanges`. Also clears the pending socket error. */
  collect(maxRanges: number): NotificationRange[] {
    this.#socketError = 0
    const ranges = this.#errorQueue.splice(0, maxRanges)
    for (const range of ranges) this.#uncollectedSends -= ((range.hi - range.lo) >>> 0) + 1
    return ranges
  }

  /** Ends the connection: queued bytes never arrive, and their memory is let go. */
  die(errno: number): void {
    if (this.#errno !== 0) return
    this.#errno = errno
    this.#socketError = errno
    const queue = this.#queue
    this.#queue = []
    this.#queuedBytes = 0
    for (const send of queue) if (send.id >= 0 && !send.done) this.#finish(send.id)
    this.onDead(errno)
    this.kick()
  }

  /** As connect(AF_UNSPEC): the local side aborts, and publishes at once the ids that it lets go of. */
  abort(): void {
    if (!this.#options.abortReleases) {
      this.#paused = true
      this.withholdNotifications = true
      if (this.#errno === 0) this.onDead(Errno.ECONNRESET)
      this.#errno ||= Errno.EPIPE
      return
    }
    this.die(Errno.ECONNRESET)
    this.#publish(true)
  }

  /** Asks for a turn of this socket, soon, from the event loop. */
  kick(): void {
    if (this.#turnScheduled) return
    this.#turnScheduled = true
    setImmediate(() => {
      this.#turnScheduled = false
      this.#turn()
    })
  }

  #turn(): void {
    if (!this.#paused) this.#transmit()
    if (!this.withholdNotifications) this.#publish(false)
    for (const watcher of [...this.#watchers]) watcher()
    const moves = !this.#paused && this.#queue.length > 0
    if (moves || (this.#finished.length > 0 && !this.withholdNotifications)) this.kick()
  }

  /** Room for a message: bytes that will be queued, or a negated errno. */
  #roomFor(total: number): number {
    const { sendBufferBytes, maxDatagramBytes } = this.#options
    const free = sendBufferBytes - this.#queuedBytes
    if (this.kind === 'stream') return total > 0 && free <= 0 ? -Errno.EAGAIN : Math.min(free, total)
    if (total > maxDatagramBytes) return -Errno.EMSGSIZE
    return this.#queue.length > 0 && total > free ? -Errno.EAGAIN : total
  }

  #enqueue(segments: readonly Segment[], bytes: number, id: number): void {
    if (this.kind === 'stream' && bytes === 0) return
    const views: QueuedSend['views'] = []
    let left = bytes
    for (const segment of segments) {
      if (left === 0) break
      const taken = Math.min(left, segment.byteLength)
      left -= taken
      views.push({ segment: id >= 0 ? PinnedSegment.shared(segment, taken) : PinnedSegment.copied(segment, taken), bytes: taken })
    }
    this.#queue.push({ views, view: 0, offset: 0, left: bytes, id, carried: [], done: false })
    this.#queuedBytes += bytes
    this.kick()
  }

  #transmit(): void {
    let budget = this.#options.bytesPerTurn
    while (this.#queue.length > 0 && budget > 0) {
      const send = this.#nextToRead()
      const count = this.kind === 'datagram' ? send.left : Math.min(send.left, budget)
      // The only place that reads a sender's memory after the send: what it holds now is what the peer gets.
      send.carried.push(readSend(send, count))
      budget -= Math.max(count, 1)
      send.done = send.left === 0
      if (send.done && send.id >= 0) this.#finish(send.id)
      this.#deliver()
    }
  }

  #nextToRead(): QueuedSend {
    if (this.#options.ranges !== 'scattered') return this.#queue[0] as QueuedSend
    const unread = this.#queue.slice(0, SCATTER_WINDOW).filter(({ done }) => !done)
    return unread[Math.floor(this.#random() * unread.length)] as QueuedSend
  }

  /** Hands the bytes that were read to the peer, in the order of the queue. */
  #deliver(): void {
    for (let send = this.#queue[0]; send !== undefined; send = this.#queue[0]) {
      for (const chunk of send.carried.splice(0)) {
        this.#queuedBytes -= chunk.byteLength
        this.receive(chunk)
      }
      if (!send.done) return
      this.#queue.shift()
    }
  }

  #takeId(): number {
    const id = this.#nextId
    this.#nextId = (id + 1) >>> 0
    this.#uncollectedSends++
    return id
  }

  #finish(id: number): void {
    this.#finished.push({ id, copied: this.#random() < this.#options.copiedFraction })
    this.kick()
  }

  #publish(everything: boolean): void {
    if (this.#finished.length === 0) return
    if (this.#options.ranges !== 'scattered') {
      const merge = this.#options.ranges === 'coalesced'
      for (const { id, copied } of this.#finished.splice(0)) appendId(this.#errorQueue, id, copied, merge)
      return
    }
    const runs: NotificationRange[] = []
    for (const { id, copied } of this.#finished.splice(0)) appendId(runs, id, copied, this.#random() < 0.6)
    while (runs.length > 0) {
      const [run] = runs.splice(Math.floor(this.#random() * runs.length), 1) as [NotificationRange]
      // Some come later, behind ids that finished after them.
      if (!everything && runs.length > 0 && this.#random() < 0.4) this.#unpublish(run)
      else this.#errorQueue.push(run)
    }
  }

  #unpublish(range: NotificationRange): void {
    forEachId(range.lo, range.hi, (id) => this.#finished.push({ id, copied: range.copied }))
  }

  #nextFault(zerocopy: boolean): InjectedFault | undefined {
    const fault = this.#faults[0]
    if (fault === undefined || (fault.zerocopyOnly === true && !zerocopy)) return undefined
    if ((fault.after ?? 0) > 0) {
      fault.after = (fault.after as number) - 1
      return undefined
    }
    fault.times = (fault.times ?? 1) - 1
    if (fault.times <= 0) this.#faults.shift()
    return fault
  }

  /** The first call after the death says why, later ones -EPIPE, as on TCP. */
  #takeError(): number {
    const errno = this.#errno
    if (this.kind === 'stream') this.#errno = Errno.EPIPE
    this.#socketError = 0
    return errno
  }
}

/** Visits every id of an inclusive range that may wrap past 0xffffffff. Counts, never compares: `i <= hi` does not end at the wrap. */
export function forEachId(lo: number, hi: number, visit: (id: number) => void): void {
  const count = ((hi - lo) >>> 0) + 1
  for (let step = 0; step < count; step++) visit((lo + step) >>> 0)
}

function appendId(ranges: NotificationRange[], id: number, copied: boolean, merge: boolean): void {
  const last = ranges.at(-1)
  if (merge && last !== undefined && last.copied === copied && (last.hi + 1) >>> 0 === id) last.hi = id
  else ranges.push({ lo: id, hi: id, copied })
}

function readSend(send: QueuedSend, count: number): Uint8Array {
  const bytes = new Uint8Array(count)
  let at = 0
  while (at < count) {
    const view = send.views[send.view] as QueuedSend['views'][number]
    const piece = view.segment.read(send.offset, Math.min(view.bytes, send.offset + count - at))
    bytes.set(piece, at)
    at += piece.byteLength
    send.offset += piece.byteLength
    if (send.offset === view.bytes) {
      send.view++
      send.offset = 0
    }
  }
  send.left -= count
  return bytes
}
