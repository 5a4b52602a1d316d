import { type BackendName, type DriverCounters, LIMITS, type SocketKind, ZeroCopyError } from '@sendzc/core'
import {
  type Driver,
  type DriverFailure,
  type DriverOpenOptions,
  Errno,
  parseOptions,
  record,
  type SendBatch,
  whole,
} from '@sendzc/core/driver'
import { type AddonEnvironment, addonEnvironment } from './addon-environment.js'
import { answerFailure, failedCall, wakeUpFailure } from './call-failure.js'
import {
  COUNTER_VALUES,
  Domain,
  IPPROTO_UDP,
  NotificationPath,
  type NotificationPathValue,
  OPEN_REPORT_WORDS,
  SocketType,
} from './native.js'
import { openError } from './open-error.js'

/** Segments of one message at most. Mirrors `max_segments_per_message` in native/driver.h. */
export const MAX_SEGMENTS_PER_MESSAGE = 256

/** Bits of a driver's handle that are its number. Mirrors `index_bits` in native/environment.h. */
const INDEX_MASK = 0xffff

const openOptionsSchema = record<{ fd: number; maxInFlight: number }>({
  fd: whole(0, 0x7fff_ffff),
  maxInFlight: whole(1, LIMITS.maxInFlight),
})

/** A backend's request to the addon. */
export interface DriverRequest {
  backend: BackendName
  path: NotificationPathValue
  /** Zero-copy sends between two collections; 0 leaves it to {@link Driver.collect}. */
  interval: number
  /** Number of the inline notification's control message; 0 without one. */
  cmsgType: number
  /** Notifications that one placeholder has room for. */
  capacity: number
}

/** {@link DriverCounters}, and counters that only these drivers have. */
export interface SendmsgCounters extends DriverCounters {
  /** Ids notified that belong to no message of this driver: of an earlier writer on the socket, or of the application. */
  unknownIds: number
  /** Messages that asked for zero-copy and were copied, because the kernel's next id was not known. */
  uncountedCopies: number
  /** Datagrams of too many page fragments for zero-copy, copied after EMSGSIZE. */
  fragmentCopies: number
  /** Messages submitted and not yet released. */
  inFlight: number
}

/** Arrays that one open, or one reading of the counters, passes to the addon and back. They are kept, since a server opens a writer for each connection. */
const OPEN_WORDS = new Int32Array(7)
const OPEN_REPORT = new Int32Array(OPEN_REPORT_WORDS)
const COUNTERS = new Float64Array(COUNTER_VALUES)

/** The drivers `errqueue`, `inline` and `copy`: they differ in where their notifications come from, and native code does that. */
export class SendmsgDriver implements Driver {
  readonly backend: BackendName
  readonly kind: SocketKind
  readonly zerocopy: boolean
  readonly readsErrorQueue: boolean
  readonly maxInFlight: number
  readonly addressFamily: 4 | 6 | undefined
  readonly maxSegmentsPerMessage = MAX_SEGMENTS_PER_MESSAGE
  readonly group = null
  readonly #environment: AddonEnvironment
  readonly #handle: number
  #closed = false
  #leftBytes = 0
  #lastCounters: SendmsgCounters | undefined

  /** @param report - as {@link NativeAddon.open} has filled it */
  private constructor(environment: AddonEnvironment, handle: number, request: DriverRequest, maxInFlight: number, report: Int32Array) {
    this.#environment = environment
    this.#handle = handle
    this.backend = request.backend
    this.kind = report[2] === SocketType.Stream ? 'stream' : 'datagram'
    this.addressFamily = addressFamily(report)
    this.zerocopy = request.path !== NotificationPath.None
    // The inline path too: a notification that no send carried back comes there.
    this.readsErrorQueue = this.zerocopy
    this.maxInFlight = maxInFlight
  }

  /**
   * Opens a driver on a duplicate of `options.fd`.
   * @throws ZeroCopyError with cause and remedy
   */
  static open(request: DriverRequest, options: DriverOpenOptions): SendmsgDriver {
    const { fd, maxInFlight } = parseOptions(openOptionsSchema, { fd: options.fd, maxInFlight: options.maxInFlight }, request.backend)
    const environment = addonEnvironment()
    environment.reserve(maxInFlight)
    const { path, interval, cmsgType, capacity } = request
    OPEN_WORDS[0] = fd
    OPEN_WORDS[1] = path
    OPEN_WORDS[2] = maxInFlight
    OPEN_WORDS[3] = interval
    OPEN_WORDS[4] = cmsgType
    OPEN_WORDS[5] = capacity
    OPEN_WORDS[6] = environment.dispatcher.dispatching ? 1 : 0
    const report = OPEN_REPORT.fill(0)
    const handle = environment.addon.open(OPEN_WORDS, report)
    if (handle < 0) throw openError(request.backend, handle, fd, report)
    environment.dispatcher.set(handle & INDEX_MASK, options.sink)
    return new SendmsgDriver(environment, handle, request, maxInFlight, report)
  }

  submit(batch: SendBatch): void {
    if (batch.messageCount === 0) return
    this.#checkCallable('submit')
    const { addon } = this.#environment
    const { segments, table } = batch
    const events =
      batch.envelopeCount > 0
        ? addon.submitAddressed(this.#handle, segments, table, batch.messageCount, batch.envelopes)
        : batch.messageCount === 1 && table[1] === 1
          ? this.#environment.submitOne(this.#handle, segments[0], table[0] as number, table[2] as number)
          : addon.submit(this.#handle, segments, table, batch.messageCount)
    this.#environment.dispatch(events)
  }

  flush(): void {}

  collect(): void {
    if (this.#closed || !this.zerocopy) return
    this.#checkCallable('collect')
    this.#environment.dispatch(this.#environment.addon.collect(this.#handle))
  }

  arm(bits: number): void {
    if (this.#closed) return
    const result = this.#environment.addon.arm(this.#handle, bits)
    if (result === 0) return
    const { code, message, ...init } = wakeUpFailure(result, this.#environment.addon.waitError() !== 0 ? 'epoll_wait' : 'epoll_ctl')
    throw new ZeroCopyError(code, message, init)
  }

  disarm(bits: number): void {
    if (!this.#closed) this.#environment.addon.disarm(this.#handle, bits)
  }

  ref(): void {
    if (!this.#closed) this.#environment.addon.setReferenced(this.#handle, true)
  }

  unref(): void {
    if (!this.#closed) this.#environment.addon.setReferenced(this.#handle, false)
  }

  abort(): void {
    if (this.#closed) return
    this.#checkCallable('abort')
    this.#environment.dispatch(this.#environment.addon.abort(this.#handle))
  }

  answeredBy(token: number): string | DriverFailure {
    const failed = failedCall(this.#environment.addon.failure(this.#handle, token))
    return answerFailure(failed) ?? failed.syscall
  }

  failure(): DriverFailure | undefined {
    const error = this.#environment.addon.waitError()
    return error === 0 ? undefined : wakeUpFailure(error, 'epoll_wait')
  }

  undeliveredBytes(): number {
    return this.#closed ? 0 : this.#environment.addon.undelivered(this.#handle)
  }

  openFile(fd: number, facts: Float64Array): number {
    return this.#closed ? -Errno.EBADF : this.#environment.addon.openFile(this.#handle, fd, facts)
  }

  isFileCached(file: number, offset: number, bytes: number): number {
    return this.#environment.addon.isFileCached(file, offset, bytes)
  }

  sendFile(file: number, offset: number, bytes: number): number {
    return this.#closed ? -Errno.EBADF : this.#environment.addon.sendFile(this.#handle, file, offset, bytes)
  }

  closeFile(file: number): void {
    this.#environment.addon.closeFile(file)
  }

  acknowledgedBytes(): number {
    return this.#closed ? 0 : this.#environment.addon.acknowledged(this.#handle)
  }

  /** After {@link close}, those of the moment of closing. */
  counters(): SendmsgCounters {
    return this.#lastCounters ?? this.#readCounters()
  }

  close(): number {
    if (this.#closed) return this.#leftBytes
    this.#lastCounters = this.#readCounters()
    this.#closed = true
    this.#environment.dispatcher.set(this.#handle & INDEX_MASK, undefined)
    this.#leftBytes = this.#environment.addon.close(this.#handle)
    return this.#leftBytes
  }

  /** The addon has one buffer for events: a call from within a sink would overwrite those that wait in it. */
  #checkCallable(method: string): void {
    if (this.#closed) throw new ZeroCopyError('ERR_ZC_CLOSED', `${this.backend}: ${method}() after close().`)
    if (this.#environment.dispatcher.dispatching) {
      throw new ZeroCopyError('ERR_ZC_INVALID_ARGUMENT', `${this.backend}: ${method}() from within a sink.`, {
        remedy: 'Leave the sink first, for example by a microtask.',
      })
    }
  }

  #readCounters(): SendmsgCounters {
    const values = COUNTERS
    this.#environment.addon.counters(this.#handle, values)
    const at = (index: number): number => values[index] as number
    return {
      sendCalls: at(0),
      collectCalls: at(1),
      emptyCollectCalls: at(2),
      notifications: at(3),
      notifiedIds: at(4),
      foreignErrors: at(5),
      unknownIds: at(6),
      uncountedCopies: at(7),
      fragmentCopies: at(8),
      inFlight: at(9),
      pinnedBytes: at(10),
    }
  }
}

/** Family of the addresses of a UDP socket. Mirrors `takes_envelopes` in native/include/sendzc/envelope.h. */
function addressFamily(report: Int32Array): 4 | 6 | undefined {
  const [, domain, type, protocol] = report
  if (type !== SocketType.Dgram || protocol !== IPPROTO_UDP) return undefined
  return domain === Domain.Inet ? 4 : domain === Domain.Inet6 ? 6 : undefined
}

/** Bytes pinned by the drivers of this package in the whole process. For tests and statistics. */
export function processMemory(): { pinnedBytes: number; leakedBytes: number } {
  const values = new Float64Array(2)
  addonEnvironment().addon.processMemory(values)
  return { pinnedBytes: values[0] as number, leakedBytes: values[1] as number }
}
