import { Errno, type SocketKind } from '../driver/driver.js'
import { FaultScript, type InjectedFault } from './fault-script.js'
import { NotificationQueue, type NotificationRange, type RangeShape } from './notification-queue.js'
import { PinnedSegment, type Segment } from './pinned-segment.js'
import { seededRandom } from './seeded-random.js'

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
  readonly #faults = new FaultScript()
  readonly #notifications: NotificationQueue
  #queue: QueuedSend[] = []
  #queuedBytes = 0
  #paused = false
  #errno = 0
  #socketError = 0
  #turnScheduled = false

  constructor(fd: number, kind: SocketKind, options: Required<MemoryKernelOptions>) {
    this.fd = fd
    this.kind = kind
    this.#options = options
    this.#random = seededRandom(options.seed + fd)
    this.#notifications = new NotificationQueue(options, this.#random)
  }

  /** Bytes queued and not yet carried to the peer. */
  get queuedBytes(): number {
    return this.#queuedBytes
  }

  /** Id that the next zero-copy send gets. */
  get nextId(): number {
    return this.#notifications.nextId
  }

  /** As EPOLLOUT: a third of the buffer is free, or the connection is dead. */
  get writable(): boolean {
    return this.#errno !== 0 || this.#queuedBytes * 3 <= this.#options.sendBufferBytes * 2
  }

  /** As EPOLLERR: a notification can be collected, or the connection is dead. */
  get hasNotification(): boolean {
    return this.#notifications.canBeCollected || this.#socketError !== 0
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
    this.#faults.add(fault)
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
    const fault = this.#faults.next(zerocopy)
    if (fault !== undefined) {
      const id = fault.notifies === true && zerocopy ? this.#notifications.takeId() : -1
      if (id >= 0) this.#finish(id)
      return { result: -fault.errno, id }
    }
    if (this.#errno !== 0) return { result: -this.#takeError(), id: -1 }
    const total = segments.reduce((sum, segment) => sum + segment.byteLength, 0)
    const room = this.#roomFor(total)
    if (room < 0) return { result: room, id: -1 }
    // As tcp_sendmsg and ip_append_data do: an empty message takes no id, so that no notification will ever come for it.
    const shares = zerocopy && total > 0
    if (shares && this.#notifications.uncollected >= this.#options.maxUncollectedSends) return { result: -Errno.ENOBUFS, id: -1 }
    const id = shares ? this.#notifications.takeId() : -1
    this.#enqueue(segments, room, id)
    return { result: room, id }
  }

  /** One recvmsg(MSG_ERRQUEUE) after the other, up to `maxRanges`. Also clears the pending socket error. */
  collect(maxRanges: number): NotificationRange[] {
    this.#socketError = 0
    return this.#notifications.collect(maxRanges)
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
    this.#notifications.publish(true)
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
    if (!this.withholdNotifications) this.#notifications.publish(false)
    for (const watcher of [...this.#watchers]) watcher()
    const moves = !this.#paused && this.#queue.length > 0
    if (moves || (this.#notifications.hasUnpublished && !this.withholdNotifications)) this.kick()
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

  #finish(id: number): void {
    this.#notifications.finish(id)
    this.kick()
  }

  /** The first call after the death says why, later ones -EPIPE, as on TCP. */
  #takeError(): number {
    const errno = this.#errno
    if (this.kind === 'stream') this.#errno = Errno.EPIPE
    this.#socketError = 0
    return errno
  }
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
