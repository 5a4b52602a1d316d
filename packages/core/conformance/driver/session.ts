import assert from 'node:assert/strict'
import {
  type Backend,
  type Driver,
  type DriverSink,
  ENVELOPE_WORDS,
  Errno,
  MessageFlag,
  Release,
  type ReleaseKind,
  SendBatch,
  Wake,
} from '../../src/driver/driver.js'
import { until } from '../bounded.js'
import { fillContent, POISON } from '../content.js'

/** Messages of one batch of a session. */
const MAX_SESSION_MESSAGES = 16

/** A driver's reports about one submitted message. */
export interface MessageReport {
  token: number
  bytes: number
  segments: readonly Uint8Array[]
  zerocopy: boolean
  result: number | undefined
  release: ReleaseKind | undefined
}

/** Drives a `Driver` without a writer, and holds it to "one sent, then one released" all the time. */
export class DriverSession implements DriverSink {
  readonly driver: Driver
  /** Every message of the session, in the order of submission. */
  readonly reports: MessageReport[] = []
  /** Breaches of the contract by the driver. */
  readonly violations: string[] = []
  /** Bits of each wake-up, in order. */
  readonly wakes: number[] = []
  /** Runs when a message is released. */
  onReleased: (report: MessageReport) => void = () => undefined
  /** True once an event may no longer come. */
  closed = false
  readonly #byToken = new Map<number, MessageReport>()
  readonly #free: number[]
  readonly #batch: SendBatch
  #armed = 0
  #woken = 0
  /** Released messages that the kernel has reported on. */
  #notified = 0

  constructor(backend: Backend, fd: number, maxInFlight: number) {
    this.#free = Array.from({ length: maxInFlight }, (_, token) => token)
    this.#batch = new SendBatch(MAX_SESSION_MESSAGES, 1_024)
    this.driver = backend.open({ fd, sink: this, maxInFlight })
  }

  /** Messages submitted and not yet released. */
  get inFlight(): number {
    return this.#byToken.size
  }

  get freeTokens(): number {
    return this.#free.length
  }

  sent(token: number, result: number): void {
    const report = this.#byToken.get(token)
    if (this.closed) this.violations.push(`sent(${token}) after close`)
    if (report === undefined) this.violations.push(`sent(${token}) for a token that is not in flight`)
    else if (report.result !== undefined) this.violations.push(`a second sent(${token})`)
    else if (result > report.bytes) this.violations.push(`sent(${token}) of ${result} bytes, submitted ${report.bytes}`)
    if (report !== undefined) report.result ??= result
  }

  released(token: number, release: ReleaseKind): void {
    const report = this.#byToken.get(token)
    if (this.closed) this.violations.push(`released(${token}) after close`)
    if (report === undefined) {
      this.violations.push(`released(${token}) for a token that is not in flight`)
      return
    }
    if (report.result === undefined) this.violations.push(`released(${token}) before its sent`)
    if (release !== Release.None) {
      const { notifiedIds } = this.driver.counters()
      if (++this.#notified > notifiedIds) {
        this.violations.push(`released(${token}) without a notification: ${notifiedIds} ids notified, ${this.#notified} messages released`)
      }
    }
    report.release = release
    this.#byToken.delete(token)
    this.#free.push(token)
    this.onReleased(report)
  }

  wake(bits: number): void {
    if (this.closed) this.violations.push('wake after close')
    if ((bits & ~this.#armed) !== 0) this.violations.push(`wake(${bits}) while ${this.#armed} is armed`)
    this.#armed &= ~bits
    this.#woken |= bits
    this.wakes.push(bits)
  }

  arm(bits: number): void {
    this.#armed |= bits
    this.driver.arm(bits)
  }

  disarm(bits: number): void {
    this.#armed &= ~bits
    this.driver.disarm(bits)
  }

  /** Submits one batch and hands it over. Tokens are reused in the order in which they came back. */
  submit(messages: readonly { segments: readonly Uint8Array[]; zerocopy: boolean; holdsRest?: boolean }[]): MessageReport[] {
    const batch = this.#batch
    const reports = messages.map(({ segments, zerocopy, holdsRest = false }) => {
      const token = this.#free.shift()
      assert.ok(token !== undefined, 'the case submits more messages than it has tokens')
      for (const segment of segments) batch.addSegment(segment)
      batch.endMessage(token, segments.length, (zerocopy ? MessageFlag.Zerocopy : 0) | (holdsRest ? MessageFlag.HoldsRest : 0))
      if (holdsRest) batch.setEnvelope(new Uint32Array(ENVELOPE_WORDS))
      const bytes = segments.reduce((sum, segment) => sum + segment.byteLength, 0)
      const report: MessageReport = { token, bytes, segments, zerocopy, result: undefined, release: undefined }
      this.#byToken.set(token, report)
      this.reports.push(report)
      return report
    })
    this.driver.submit(batch)
    // Even a driver that holds messages back has taken its references by now.
    batch.clear()
    if (this.driver.group !== null && !this.closed) this.driver.flush()
    return reports
  }

  /** Waits until each of `reports` has its answer. */
  async answered(reports: readonly MessageReport[]): Promise<void> {
    await until(() => {
      this.#step(0)
      return reports.every(({ result }) => result !== undefined)
    }, `sent() for ${reports.length} messages`)
  }

  /** Waits until no more than `limit` messages are in flight. */
  async settled(limit = 0): Promise<void> {
    await until(
      () => {
        if (this.inFlight > limit) this.#step(Wake.Notification)
        return this.inFlight <= limit
      },
      `released() for ${this.inFlight - limit} messages`,
    )
  }

  /** Waits for the wake-up that says that the socket takes bytes again. */
  async writable(): Promise<void> {
    this.#woken &= ~Wake.Writable
    this.arm(Wake.Writable)
    await until(() => {
      this.#step(Wake.Notification)
      return (this.#woken & Wake.Writable) !== 0
    }, 'wake(Writable)')
  }

  /**
   * Sends a stretch of the stream as the writer would: resends bytes that were not taken, waits where the socket is full.
   * Each message has memory of its own, which is poisoned when it is released.
   * @param sizes - bytes of each message
   */
  async sendStream(position: number, sizes: readonly number[], messagesPerBatch = 4): Promise<void> {
    const waiting: Uint8Array[] = sizes.map((bytes) => new Uint8Array(bytes))
    let at = position
    for (const piece of waiting) {
      fillContent(piece, at)
      at += piece.byteLength
    }
    while (waiting.length > 0) {
      await this.settled(this.inFlight + this.freeTokens - messagesPerBatch)
      const reports = this.submit(waiting.slice(0, messagesPerBatch).map((piece) => ({ segments: [piece], zerocopy: true })))
      await this.answered(reports)
      for (const { result, segments, bytes } of reports) {
        const taken = result as number
        if (taken < 0) {
          assertMayBeSentAgain(taken)
          break
        }
        const [piece] = segments as [Uint8Array]
        waiting.shift()
        if (taken < bytes) waiting.unshift(piece.subarray(taken))
      }
      if (reports.some(({ result }) => result === -Errno.EAGAIN)) await this.writable()
      if (reports.some(({ result }) => result === -Errno.ENOBUFS)) await this.settled(Math.max(0, this.inFlight - 1))
    }
  }

  /** Sends datagrams that ask for zero-copy; those that the socket has no room for are sent again. */
  async sendDatagrams(datagrams: readonly Uint8Array[]): Promise<void> {
    let waiting = [...datagrams]
    while (waiting.length > 0) {
      const reports = this.submit(waiting.map((datagram) => ({ segments: [datagram], zerocopy: true })))
      await this.answered(reports)
      const refused = reports.filter(({ result }) => [Errno.EAGAIN, Errno.ENOBUFS, Errno.ECANCELED].some((errno) => result === -errno))
      for (const report of reports) assert.ok(report.result === report.bytes || refused.includes(report), `sent() with ${report.result}`)
      waiting = refused.map(({ segments }) => segments[0] as Uint8Array)
      if (refused.some(({ result }) => result === -Errno.ENOBUFS)) await this.settled(Math.max(0, this.inFlight - 1))
      else if (refused.some(({ result }) => result === -Errno.EAGAIN)) await this.writable()
    }
  }

  /** Poisons the sent part of a message's memory from now on as soon as it is released. */
  poisonAtRelease(): void {
    this.onReleased = ({ segments, result, release }) => {
      // The unsent rest is sent again from the same memory.
      if (result === undefined || result <= 0) return
      if (release === Release.None || release === undefined) return
      let left = result
      for (const segment of segments) {
        const piece = segment.subarray(0, left)
        piece.fill(POISON)
        left -= piece.byteLength
      }
    }
  }

  /** Drops every reference to message memory: from then on the driver alone holds it. */
  forgetMemory(): void {
    for (const report of this.reports) report.segments = []
  }

  /** Fails if the driver broke the contract at any time. */
  assertNoViolations(): void {
    assert.deepEqual(this.violations, [])
  }

  #step(arm: number): void {
    if ((this.#woken & Wake.Notification) !== 0) {
      this.#woken &= ~Wake.Notification
      this.driver.collect()
    }
    if (this.inFlight > 0 && (arm & ~this.#armed) !== 0) this.arm(arm & ~this.#armed)
  }
}

/** Fails for an answer other than those after which the writer sends the message again: no room, no memory, not attempted. */
export function assertMayBeSentAgain(result: number): void {
  assert.ok(
    [Errno.EAGAIN, Errno.ECANCELED, Errno.ENOBUFS].some((errno) => result === -errno),
    `sent() with ${result}`,
  )
}
