import type { Backend } from '@sendzc/core'
import { type Driver, type DriverSink, MessageFlag, type ReleaseKind, SendBatch, Wake } from '@sendzc/core/driver'
import { BenchFailure, ExitStatus } from '../cli/failure.js'
import { DRIVER_LOAD_IN_FLIGHT } from './driver-load.js'
import type { LoadTotals } from './load.js'
import { Answer, LIMIT_TOO_LOW, MessageTally, refusal } from './message-tally.js'
import type { OpenLoopPath, OpenLoopSink } from './open-loop.js'

/** Socket, payload and schedule of a {@link DriverOpenLoop}. */
export interface DriverOpenLoopOptions {
  backend: Backend
  /** A connected socket; stays the caller's. */
  fd: number
  /** The payload of every send. Never modified, so that it may be in flight many times at once. */
  payload: Uint8Array
  /** How many sends there will be. */
  sends: number
  sink: OpenLoopSink
}

/**
 * A {@link Driver} under an open loop: one message per send, further ones for the rest of a short send, and notifications collected when the
 * driver wakes, as a writer does.
 */
export class DriverOpenLoop implements OpenLoopPath, DriverSink {
  readonly #driver: Driver
  readonly #batch = new SendBatch(1, 1)
  readonly #payload: Uint8Array
  readonly #sink: OpenLoopSink
  /** Tokens not in flight, as a stack. */
  readonly #free: number[] = Array.from({ length: DRIVER_LOAD_IN_FLIGHT }, (_, token) => token)
  /** Send that a token in flight belongs to, and the bytes that it carries. */
  readonly #sendOf = new Int32Array(DRIVER_LOAD_IN_FLIGHT)
  readonly #bytesOf = new Int32Array(DRIVER_LOAD_IN_FLIGHT)
  /** Messages of each send that are not released, and whether all of it is sent. */
  readonly #shared: Int32Array
  readonly #isSent: Uint8Array
  /** Sends that were begun; the first that is not wholly submitted, and how many of its bytes are sent. */
  #begun = 0
  #current = 0
  #offset = 0
  #unanswered = 0
  #needsWritable = false
  #needsNotification = false
  #notified = false
  #sends = 0
  readonly #tally = new MessageTally()

  /** @throws ZeroCopyError when the driver cannot be opened on this socket */
  constructor({ backend, fd, payload, sends, sink }: DriverOpenLoopOptions) {
    this.#driver = backend.open({ fd, sink: this, maxInFlight: DRIVER_LOAD_IN_FLIGHT })
    this.#payload = payload
    this.#sink = sink
    this.#shared = new Int32Array(sends)
    this.#isSent = new Uint8Array(sends)
  }

  begin(send: number): void {
    this.#begun = send + 1
    this.#submitDue()
  }

  turn(): void {
    if (this.#notified) {
      this.#notified = false
      this.#driver.collect()
    }
    this.#submitDue()
    if (this.#needsWritable) this.#driver.arm(Wake.Writable)
    if (this.#free.length < DRIVER_LOAD_IN_FLIGHT) this.#driver.arm(Wake.Notification)
    else if (this.#needsNotification) this.#sink.failed(new BenchFailure(LIMIT_TOO_LOW, ExitStatus.Failed))
  }

  totals(): LoadTotals {
    return this.#tally.totals(this.#driver.counters(), this.#sends)
  }

  close(): Promise<void> {
    this.#driver.disarm(Wake.Writable | Wake.Notification)
    this.#driver.close()
    return Promise.resolve()
  }

  /** @internal */
  sent(token: number, result: number): void {
    this.#unanswered--
    const answer = this.#tally.sent(result, this.#bytesOf[token] as number, this.#driver.zerocopy)
    if (answer === Answer.Taken) this.#tookBytes(this.#sendOf[token] as number, result)
    else if (answer === Answer.Full) this.#needsWritable = true
    else if (answer === Answer.NoMemory) this.#needsNotification = true
    else if (answer === Answer.Refused) this.#sink.failed(refusal(result))
  }

  /** @internal */
  released(token: number, release: ReleaseKind): void {
    this.#free.push(token)
    if (this.#tally.released(release)) this.#needsNotification = false
    const send = this.#sendOf[token] as number
    const shared = (this.#shared[send] as number) - 1
    this.#shared[send] = shared
    if (shared === 0 && this.#isSent[send] === 1) this.#sink.released(send)
  }

  /** @internal A sink may not call its driver: the next turn collects. */
  wake(bits: number): void {
    if ((bits & Wake.Writable) !== 0) this.#needsWritable = false
    if ((bits & Wake.Notification) !== 0) this.#notified = true
  }

  #tookBytes(send: number, bytes: number): void {
    this.#offset += bytes
    if (this.#driver.kind === 'stream' && this.#offset < this.#payload.byteLength) return
    this.#offset = 0
    this.#current++
    this.#sends++
    this.#isSent[send] = 1
    this.#sink.sent(send)
  }

  /** Submits the sends that are due, one message at a time: the answer to one decides whether the next may follow. */
  #submitDue(): void {
    while (this.#current < this.#begun && this.#unanswered === 0 && !this.#needsWritable && !this.#needsNotification) {
      const token = this.#free.pop()
      if (token === undefined) return
      const segment = this.#offset === 0 ? this.#payload : this.#payload.subarray(this.#offset)
      this.#sendOf[token] = this.#current
      this.#bytesOf[token] = segment.byteLength
      this.#shared[this.#current] = (this.#shared[this.#current] as number) + 1
      const batch = this.#batch
      batch.clear()
      batch.addSegment(segment)
      batch.endMessage(token, 1, this.#driver.zerocopy ? MessageFlag.Zerocopy : 0)
      this.#unanswered++
      this.#driver.submit(batch)
      if (this.#driver.group !== null) this.#driver.flush()
    }
  }
}
