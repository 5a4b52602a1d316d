import type { DriverCounters, SocketKind } from '@sendzc/core'
import { type Driver, type DriverFailure, type DriverSink, Errno, type ReleaseKind, type SendBatch } from '@sendzc/core/driver'
import { enterFailure } from './failures.js'
import { AnswerSource, SubmitMode } from './native.js'
import { UringRing } from './ring.js'

/** The index of a driver in its ring, within its handle. Mirrors `driver_index_bits` of native/environment.h. */
const DRIVER_INDEX_MASK = 2 ** 14 - 1
/** UIO_MAXIOV: the most segments that one message can have. */
const MAX_SEGMENTS_PER_MESSAGE = 1_024

/** The socket of a driver. */
export interface RingSocket {
  kind: SocketKind
  /** Set where it is one of UDP. */
  addressFamily: 4 | 6 | undefined
}

/** The addon writes its counters here. The array is kept, since they are read at the end of every driver. */
const COUNTERS = new Float64Array(6)

/**
 * Sends through a shared ring: IORING_OP_SEND_ZC (Linux 6.0) for one segment, IORING_OP_SENDMSG_ZC (6.1) for several, and their plain
 * counterparts where a message does not ask for zero-copy. Such a message alone, with no other driver on the ring, goes by sendmsg(2), which
 * costs less than a request.
 *
 * On a stream, adjoining messages of one batch leave as one request. The requests of one batch are linked, so that no byte and no datagram
 * overtakes another while the socket is full; what is submitted meanwhile is answered `-ECANCELED` behind them. A socket that is full
 * is waited for in the kernel: `sent` comes when the bytes are queued. Where the ring has no room, `sent` says `-EAGAIN`, and a
 * `Writable` wake-up comes when it has.
 */
export class UringDriver implements Driver, DriverSink {
  readonly backend = 'uring'
  readonly zerocopy = true
  readonly readsErrorQueue = false
  readonly kind: SocketKind
  readonly maxInFlight: number
  readonly addressFamily: 4 | 6 | undefined
  readonly maxSegmentsPerMessage = MAX_SEGMENTS_PER_MESSAGE
  readonly #ring: UringRing
  readonly #handle: number
  readonly #index: number
  readonly #sink: DriverSink
  #table: Uint32Array | undefined
  #armed = 0
  #closed = false
  #bytesLeft = 0
  #finalCounters: DriverCounters | undefined

  /** @internal Made by the backend, which has opened the driver `handle` on `ring`. */
  constructor(ring: UringRing, handle: number, { kind, addressFamily }: RingSocket, maxInFlight: number, sink: DriverSink) {
    this.#ring = ring
    this.addressFamily = addressFamily
    this.#index = handle & DRIVER_INDEX_MASK
    this.#handle = handle
    this.kind = kind
    this.maxInFlight = maxInFlight
    this.#sink = sink
    ring.openDrivers++
    ring.dispatcher.set(this.#index, this)
  }

  /** The ring: one flush hands over for all drivers on it. Alone on it, a driver hands over at once and holds nothing. */
  get group(): object | null {
    return this.#ring.openDrivers > 1 && !this.#closed ? this.#ring : null
  }

  submit(batch: SendBatch): void {
    if (this.#closed) throw UringRing.closedError()
    const ring = this.#ring
    if (batch.table !== this.#table) {
      ring.native.useTable(this.#handle, batch.table, batch.envelopes)
      this.#table = batch.table
    }
    const single = batch.messageCount === 1 && batch.table[1] === 1
    const segments = single ? (batch.segments[0] as Uint8Array) : batch.segments
    const { native } = ring
    const { control } = native
    control[0] = this.#handle
    control[1] = batch.messageCount
    control[3] = single ? 1 : 0
    if (ring.openDrivers > 1) {
      ring.held = true
      control[2] = SubmitMode.Hold
      native.submit(segments)
    } else if (ring.dispatching) {
      control[2] = SubmitMode.Enter
      native.submit(segments)
      ring.deliverLater()
    } else {
      control[2] = SubmitMode.EnterAndReap
      ring.deliver(native.submit(segments))
    }
  }

  /** Works on a closed driver, too: the flush of its ring's other drivers may have been asked of it. */
  flush(): void {
    const ring = this.#ring
    if (!ring.held) return
    ring.held = false
    if (ring.dispatching) {
      ring.native.flush(ring.handle, this.#handle, false)
      ring.deliverLater()
    } else {
      ring.deliver(ring.native.flush(ring.handle, this.#handle, true))
    }
  }

  collect(): void {
    if (this.#closed) return
    const ring = this.#ring
    if (ring.dispatching) ring.deliverLater()
    else ring.deliver(ring.native.collect(ring.handle, this.#handle))
  }

  arm(bits: number): void {
    if (this.#closed || (bits & ~this.#armed) === 0) return
    this.#armed |= bits
    this.#ring.native.arm(this.#handle, bits)
  }

  disarm(bits: number): void {
    // Its place on the ring may be another driver's by then.
    if (this.#closed || (bits & this.#armed) === 0) return
    this.#armed &= ~bits
    this.#ring.native.disarm(this.#handle, bits)
  }

  ref(): void {
    if (!this.#closed) this.#ring.native.setReferenced(this.#handle, true)
  }

  unref(): void {
    if (!this.#closed) this.#ring.native.setReferenced(this.#handle, false)
  }

  abort(): void {
    if (this.#closed) return
    const ring = this.#ring
    ring.native.abortDriver(this.#handle)
    if (ring.dispatching) ring.deliverLater()
    else ring.deliver(ring.native.collect(ring.handle, this.#handle))
  }

  undeliveredBytes(): number {
    return this.#closed ? 0 : this.#ring.native.undelivered(this.#handle)
  }

  openFile(fd: number, facts: Float64Array): number {
    return this.#closed ? -Errno.EBADF : this.#ring.native.openFile(this.#handle, fd, facts)
  }

  isFileCached(file: number, offset: number, bytes: number): number {
    return this.#ring.native.isFileCached(file, offset, bytes)
  }

  /** By a plain call, as a lone copy goes: io_uring has no request for it. */
  sendFile(file: number, offset: number, bytes: number): number {
    return this.#closed ? -Errno.EBADF : this.#ring.native.sendFile(this.#handle, file, offset, bytes)
  }

  closeFile(file: number): void {
    this.#ring.native.closeFile(file)
  }

  acknowledgedBytes(): number {
    return this.#closed ? 0 : this.#ring.native.acknowledged(this.#handle)
  }

  counters(): DriverCounters {
    if (this.#finalCounters !== undefined) return { ...this.#finalCounters, pinnedBytes: 0 }
    this.#ring.native.counters(this.#handle, COUNTERS)
    const at = (index: number): number => COUNTERS[index] as number
    return {
      sendCalls: at(0),
      collectCalls: at(1),
      emptyCollectCalls: at(2),
      notifications: at(3),
      notifiedIds: at(4),
      foreignErrors: 0,
      pinnedBytes: at(5),
    }
  }

  close(): number {
    if (this.#closed) return this.#bytesLeft
    this.#finalCounters = this.counters()
    this.#closed = true
    const ring = this.#ring
    ring.dispatcher.set(this.#index, undefined)
    this.#bytesLeft = ring.native.closeDriver(this.#handle)
    ring.openDrivers--
    if (ring.dispatching) {
      ring.deliverLater()
      return this.#bytesLeft
    }
    const events = ring.native.collect(ring.handle, this.#handle)
    // The kernel may just have reported some of the memory as released that was shared at the close.
    this.#bytesLeft = ring.native.pinnedBytes(this.#handle)
    ring.deliver(events)
    ring.release()
    return this.#bytesLeft
  }

  answeredBy(token: number): string | DriverFailure {
    switch (this.#ring.native.answerSource(this.#handle, token)) {
      case AnswerSource.PlainCall:
        return 'sendmsg'
      case AnswerSource.PlainBatch:
        return 'sendmmsg'
      case AnswerSource.FailedEnter:
        return this.failure() ?? 'io_uring_enter'
      default:
        return 'io_uring_enter'
    }
  }

  failure(): DriverFailure | undefined {
    const { native, handle } = this.#ring
    const errno = native.ringError(handle)
    return errno === 0 ? undefined : enterFailure(errno)
  }

  /** @internal From the ring. */
  sent(token: number, result: number): void {
    this.#sink.sent(token, result)
  }

  /** @internal From the ring. */
  released(token: number, release: ReleaseKind): void {
    this.#sink.released(token, release)
  }

  /** @internal From the ring. */
  wake(bits: number): void {
    this.#armed &= ~bits
    this.#sink.wake(bits)
  }
}
