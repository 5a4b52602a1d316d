import type { Backend } from '@sendzc/core'
import { type Driver, type DriverSink, MessageFlag, type ReleaseKind, SendBatch, Wake } from '@sendzc/core/driver'
import { BenchFailure, ExitStatus } from '../cli/failure.js'
import type { Load, LoadTotals } from './load.js'
import { Answer, type AnswerKind, LIMIT_TOO_LOW, MessageTally, refusal, summed } from './message-tally.js'
import { ProgressGate } from './progress-gate.js'

/** Messages in flight per connection: enough that a connection seldom waits, few enough that a thousand of them fit. */
export const FLEET_IN_FLIGHT = 16

/**
 * Sends handed over by one flush. A server's event-loop turn serves some of its connections, not all of them: a pass over
 * thousands would measure how much memory can be in flight at once.
 */
export const FLEET_BURST = 32

/** Entries of the queue that were served and are still in it, above which they are forgotten. */
const QUEUE_SLACK = 4_096

/** One connection of a fleet. */
class Member implements DriverSink {
  readonly driver: Driver
  readonly #owner: FleetDriverLoad
  readonly #free: number[] = Array.from({ length: FLEET_IN_FLIGHT }, (_, token) => token)
  unanswered = 0
  needsWritable = false
  needsNotification = false
  /** Whether it is in the owner's queue of members that may be able to send. */
  queued = true

  constructor(owner: FleetDriverLoad, backend: Backend, fd: number) {
    this.#owner = owner
    this.driver = backend.open({ fd, sink: this, maxInFlight: FLEET_IN_FLIGHT })
  }

  get inFlight(): number {
    return FLEET_IN_FLIGHT - this.#free.length
  }

  ready(): boolean {
    return this.#free.length > 0 && this.unanswered === 0 && !this.needsWritable && !this.needsNotification
  }

  /** Arms the driver for room or for a notification, whichever it lacks. */
  arm(): void {
    if (this.needsWritable) this.driver.arm(Wake.Writable)
    if (this.needsNotification && this.inFlight === 0) throw new BenchFailure(LIMIT_TOO_LOW, ExitStatus.Failed)
    if (this.#free.length === 0 || this.needsNotification || this.unanswered > 0) this.driver.arm(Wake.Notification)
  }

  takeToken(): number {
    return this.#free.pop() as number
  }

  sent(_token: number, result: number): void {
    this.unanswered--
    const answer = this.#owner.sent(result, this.driver.zerocopy)
    if (answer === Answer.Full) this.needsWritable = true
    if (answer === Answer.NoMemory) this.needsNotification = true
    this.#owner.enqueue(this)
  }

  released(token: number, release: ReleaseKind): void {
    this.#free.push(token)
    if (this.#owner.released(release)) this.needsNotification = false
    this.#owner.enqueue(this)
  }

  wake(bits: number): void {
    if ((bits & Wake.Writable) !== 0) this.needsWritable = false
    this.#owner.enqueue(this)
  }
}

/** Many connections of one backend on one event loop, served in turn, one message each. */
export class FleetDriverLoad implements Load {
  readonly #backend: Backend
  readonly #members: Member[] = []
  /** Members that may be able to send, the next one first. A member that cannot leaves the queue until an event of its own, so that no turn looks at thousands. */
  readonly #queue: Member[] = []
  readonly #batch = new SendBatch(1, 1)
  readonly #payload: Uint8Array
  readonly #gate = new ProgressGate('no connection takes bytes')
  #first = 0
  readonly #tally = new MessageTally()

  /**
   * @param backend - of every connection
   * @param payload - of every send; never modified
   */
  constructor(backend: Backend, payload: Uint8Array) {
    this.#backend = backend
    this.#payload = payload
  }

  /**
   * Takes in a connection.
   * @param fd - connected; the driver has a duplicate of its own, so that the caller may close it at once
   * @throws ZeroCopyError when the driver cannot be opened on it
   */
  add(fd: number): void {
    const member = new Member(this, this.#backend, fd)
    this.#members.push(member)
    this.#queue.push(member)
  }

  async run(sends: number): Promise<void> {
    const target = this.#tally.messages + sends
    while (this.#tally.messages < target) {
      this.#gate.shut()
      const submitted = this.#submitSome()
      this.#gate.check()
      if (submitted === 0) await this.#gate.wait()
    }
  }

  async drain(): Promise<void> {
    for (const member of this.#members) {
      while (member.inFlight > 0) {
        this.#gate.shut()
        member.driver.flush()
        member.driver.collect()
        if (member.inFlight === 0) break
        member.driver.arm(Wake.Notification)
        await this.#gate.wait()
      }
    }
  }

  totals(): LoadTotals {
    return this.#tally.totals(summed(this.#members.map(({ driver }) => driver.counters())))
  }

  close(): Promise<void> {
    for (const { driver } of this.#members) driver.close()
    return Promise.resolve()
  }

  /** @internal */
  sent(result: number, zerocopy: boolean): AnswerKind {
    const answer = this.#tally.sent(result, this.#payload.byteLength, zerocopy)
    if (answer === Answer.Refused) this.#gate.fail(refusal(result))
    this.#gate.open()
    return answer
  }

  /** @internal */
  released(release: ReleaseKind): boolean {
    this.#gate.open()
    return this.#tally.released(release)
  }

  /** @internal Something became of a connection: it may be able to send. */
  enqueue(member: Member): void {
    this.#gate.open()
    if (member.queued) return
    member.queued = true
    this.#queue.push(member)
  }

  /** One message to each of the next connections that can take one, then one flush for all of them. */
  #submitSome(): number {
    const queue = this.#queue
    let submitted = 0
    let last: Member | undefined
    for (let left = queue.length - this.#first; left > 0 && submitted < FLEET_BURST; left--) {
      const member = queue[this.#first++] as Member
      // What it waits for has often arrived by now; else the event loop says when.
      if (!member.ready() && member.inFlight > 0) member.driver.collect()
      if (member.ready()) {
        queue.push(member)
        this.#submitOne(member)
        submitted++
        last = member
        continue
      }
      member.queued = false
      member.arm()
    }
    if (this.#first >= QUEUE_SLACK) this.#forgetServed()
    if (last !== undefined && last.driver.group !== null) last.driver.flush()
    return submitted
  }

  /** Moves what is left of the queue to its beginning. */
  #forgetServed(): void {
    this.#queue.copyWithin(0, this.#first)
    this.#queue.length -= this.#first
    this.#first = 0
  }

  #submitOne(member: Member): void {
    const batch = this.#batch
    batch.messageCount = 0
    batch.segmentCount = 0
    batch.addSegment(this.#payload)
    batch.endMessage(member.takeToken(), 1, member.driver.zerocopy ? MessageFlag.Zerocopy : 0)
    member.unanswered++
    member.driver.submit(batch)
  }
}
