import type { Backend } from '@sendzc/core'
import { type Driver, type DriverSink, MessageFlag, type ReleaseKind, SendBatch, Wake } from '@sendzc/core/driver'
import { BenchFailure, ExitStatus } from '../cli/failure.js'
import type { Load, LoadTotals } from './load.js'
import { Answer, LIMIT_TOO_LOW, MessageTally, refusal } from './message-tally.js'
import { ProgressGate } from './progress-gate.js'

/** Messages that a load may have in flight. The kernel's selftest has no bound; this one is far above what a socket buffer holds. */
export const DRIVER_LOAD_IN_FLIGHT = 1_024

/** Socket, payload and interval of a {@link DriverLoad}. */
export interface DriverLoadOptions {
  backend: Backend
  /** A connected socket; stays the caller's. */
  fd: number
  /** Messages per native call, and between two collections of notifications. */
  interval: number
  /** The payload of every message. Never modified, so that it may be in flight many times at once. */
  payload: Uint8Array
}

/**
 * Drives a {@link Driver} as hard as the kernel allows: bursts of `interval` messages in one native call, then notifications.
 *
 * It sends as the kernel's `msg_zerocopy` selftest does, so that the two can be compared: each message is the same payload,
 * and where a stream takes only a part of it, that part is counted and the rest is not sent again.
 * Nothing is allocated per send; a promise is made only when the socket is full or notifications are lacking.
 */
export class DriverLoad implements Load, DriverSink {
  readonly #driver: Driver
  readonly #batch: SendBatch
  readonly #payload: Uint8Array
  readonly #burst: number
  readonly #gate = new ProgressGate('the peer takes no bytes, or the kernel reports no notification')
  /** Tokens not in flight, as a stack. */
  readonly #free: Uint16Array
  #freeCount: number
  /** Messages whose `sent` has not come. */
  #unanswered = 0
  #needsWritable = false
  #needsNotification = false
  readonly #tally = new MessageTally()
  #waits = 0

  /** @throws ZeroCopyError when the driver cannot be opened on this socket */
  constructor(options: DriverLoadOptions) {
    const maxInFlight = Math.max(DRIVER_LOAD_IN_FLIGHT, options.interval)
    this.#driver = options.backend.open({ fd: options.fd, sink: this, maxInFlight })
    this.#payload = options.payload
    this.#burst = options.interval
    this.#batch = new SendBatch(options.interval, options.interval)
    this.#freeCount = maxInFlight
    this.#free = Uint16Array.from({ length: maxInFlight }, (_, token) => token)
  }

  async run(sends: number): Promise<void> {
    const target = this.#tally.messages + sends
    while (this.#tally.messages < target) {
      if (!this.#mustWait()) {
        this.#submitBurst()
        this.#gate.check()
        continue
      }
      this.#waits++
      await this.#waitForProgress()
    }
  }

  /** Times that {@link run} could not go on. Each makes promises of its own, and a timer where a second look does not help. */
  get waits(): number {
    return this.#waits
  }

  async drain(): Promise<void> {
    while (this.#freeCount < this.#free.length) {
      this.#gate.shut()
      this.#driver.flush()
      this.#driver.collect()
      if (this.#freeCount === this.#free.length) return
      this.#driver.arm(Wake.Notification)
      await this.#gate.wait()
    }
  }

  totals(): LoadTotals {
    return this.#tally.totals(this.#driver.counters())
  }

  close(): Promise<void> {
    this.#driver.disarm(Wake.Writable | Wake.Notification)
    this.#driver.close()
    return Promise.resolve()
  }

  /** @internal */
  sent(_token: number, result: number): void {
    this.#unanswered--
    const answer = this.#tally.sent(result, this.#payload.byteLength, this.#driver.zerocopy)
    if (answer === Answer.Full) this.#needsWritable = true
    else if (answer === Answer.NoMemory) this.#needsNotification = true
    else if (answer === Answer.Refused) this.#gate.fail(refusal(result))
    this.#gate.open()
  }

  /** @internal */
  released(token: number, release: ReleaseKind): void {
    this.#free[this.#freeCount++] = token
    if (this.#tally.released(release)) this.#needsNotification = false
    this.#gate.open()
  }

  /** @internal A sink may not call its driver: the waiting loop collects. */
  wake(bits: number): void {
    if ((bits & Wake.Writable) !== 0) this.#needsWritable = false
    this.#gate.open()
  }

  /** A stream takes one burst at a time, since the answer to one burst decides whether the next may follow. */
  #mustWait(): boolean {
    if (this.#needsWritable || this.#needsNotification || this.#freeCount < this.#burst) return true
    return this.#unanswered > 0 && this.#driver.kind === 'stream'
  }

  #submitBurst(): void {
    const batch = this.#batch
    // Not clear(): every segment is the payload anyway, and stale entries beyond the count are not read.
    batch.messageCount = 0
    batch.segmentCount = 0
    const flags = this.#driver.zerocopy ? MessageFlag.Zerocopy : 0
    for (let i = 0; i < this.#burst; i++) {
      batch.addSegment(this.#payload)
      batch.endMessage(this.#free[--this.#freeCount] as number, 1, flags)
    }
    this.#unanswered += this.#burst
    this.#driver.submit(batch)
    if (this.#driver.group !== null) this.#driver.flush()
  }

  /** Looks once without waiting, since a notification has often arrived by now; then waits for the event loop. */
  async #waitForProgress(): Promise<void> {
    this.#gate.shut()
    if (this.#driver.group !== null) this.#driver.flush()
    this.#driver.collect()
    if (!this.#mustWait()) return
    if (this.#needsNotification && this.#freeCount + this.#unanswered >= this.#free.length) {
      throw new BenchFailure(LIMIT_TOO_LOW, ExitStatus.Failed)
    }
    if (this.#needsWritable) this.#driver.arm(Wake.Writable)
    if (this.#needsNotification || this.#freeCount < this.#burst) this.#driver.arm(Wake.Notification)
    await this.#gate.wait()
  }
}
