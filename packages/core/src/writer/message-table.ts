import { Errno } from '../driver/errno.js'
import { clock } from './clock.js'
import type { Ending } from './endings.js'
import type { CopyCause, PendingWrite } from './pending-write.js'

/** One message in flight, by token. */
export class MessageRecord {
  /** The first write whose memory the message touches; undefined while the token is free. */
  first: PendingWrite | undefined
  /** Further writes, joined with the first. `first` is apart: most messages have one write, and an array costs each message two calls. */
  readonly joined: PendingWrite[] = []
  bytes = 0
  /** The kernel's answer: bytes, or a negated errno; undefined before the answer. */
  result: number | undefined
  /** The reason for a copy; null where the message asks for zero-copy. */
  cause: CopyCause = null
  /** Time of submission, in ms of {@link clock}, or {@link NOT_TIMED}. */
  submittedAtMs = 0

  cover(write: PendingWrite): void {
    if (this.first === undefined) this.first = write
    else this.joined.push(write)
    write.messageSubmitted()
  }

  /** Tells its writes that the message is released; see {@link PendingWrite.messageReleased}. */
  release(copied: boolean | undefined): void {
    this.first?.messageReleased(copied)
    for (const write of this.joined) write.messageReleased(copied)
  }

  /** Every byte of its writes is sent, as one datagram each. */
  completeSent(): void {
    this.first?.completeSent()
    for (const write of this.joined) write.completeSent()
  }

  /** Tells its writes that no notification of their memory will come. */
  abandon(): void {
    for (const write of this.writes()) write.abandon()
  }

  /** Makes its writes copy from now on. */
  mustCopy(): void {
    for (const write of this.writes()) write.mustCopy = true
  }

  writes(): PendingWrite[] {
    return this.first === undefined ? [] : [this.first, ...this.joined]
  }

  forget(): void {
    this.first = undefined
    // Not `length = 0`, which leaves compiled code.
    while (this.joined.length > 0) this.joined.pop()
  }
}

/** Submission time of a message whose release is not timed. */
export const NOT_TIMED = -1

/**
 * One in so many batches is timed, the first included. Reading the clock twice for every message takes a fifth of a writer's time
 * (measured with a driver that answers at once). Whole batches are timed, since the messages of one batch take different times.
 */
const TIMED_BATCH_EVERY = 8

/** Answers EINTR in a row after which the table gives up: a driver repeats an interrupted call by itself before it answers EINTR. */
const MAX_INTERRUPTED_ANSWERS = 16

/** The writer's tokens: a fixed number of records, each free or in flight. */
export class MessageTable {
  readonly #capacity: number
  /** A record is made when its token is taken for the first time: most writers use few tokens. */
  readonly #records: MessageRecord[] = []
  readonly #free: number[] = []
  #batchesUntilTimed = 0
  /** Time of the batch; undefined: the first message that asks for zero-copy reads the clock. */
  #batchAtMs: number | undefined
  #interruptedAnswers = 0
  inFlightBytes = 0
  /** Messages whose memory the kernel has taken and not yet given back. */
  sharedCount = 0

  constructor(capacity: number) {
    this.#capacity = capacity
  }

  get freeCount(): number {
    return this.#capacity - this.inFlight
  }

  get inFlight(): number {
    return this.#records.length - this.#free.length
  }

  /** Messages that are taken from now on are submitted together, at one time. */
  beginBatch(): void {
    if (this.#batchesUntilTimed > 0) {
      this.#batchesUntilTimed--
      this.#batchAtMs = NOT_TIMED
    } else this.#batchAtMs = undefined
  }

  /** Takes a free token; the caller has checked `freeCount`. */
  take(cause: CopyCause): number {
    const token = this.#free.pop() ?? this.#records.push(new MessageRecord()) - 1
    const record = this.#records[token] as MessageRecord
    record.bytes = 0
    record.result = undefined
    record.cause = cause
    if (cause === null) record.submittedAtMs = this.#batchAtMs ?? this.#timeBatch()
    return token
  }

  #timeBatch(): number {
    this.#batchesUntilTimed = TIMED_BATCH_EVERY - 1
    this.#batchAtMs = clock.now()
    return this.#batchAtMs
  }

  record(token: number): MessageRecord {
    return this.#records[token] as MessageRecord
  }

  /** Notes that message `token` touches `bytes` of `write`. */
  cover(token: number, write: PendingWrite, bytes: number): void {
    const record = this.record(token)
    record.cover(write)
    record.bytes += bytes
    this.inFlightBytes += bytes
  }

  /**
   * The kernel's answer to message `token`: bytes, or a negated errno. Afterwards the record's `bytes` are the bytes that the kernel took.
   * @returns bytes that the kernel refused
   */
  answer(token: number, result: number): number {
    this.#interruptedAnswers = result === -Errno.EINTR ? this.#interruptedAnswers + 1 : 0
    const record = this.record(token)
    const refused = record.bytes - Math.max(0, result)
    record.result = result
    record.bytes -= refused
    this.inFlightBytes -= refused
    if (isShared(record)) this.sharedCount++
    return refused
  }

  /** Whether the last answer was EINTR, and the send is worth another try. */
  get wasInterrupted(): boolean {
    return this.#interruptedAnswers > 0 && this.#interruptedAnswers < MAX_INTERRUPTED_ANSWERS
  }

  free(token: number): void {
    const record = this.record(token)
    this.inFlightBytes -= record.bytes
    if (isShared(record)) this.sharedCount--
    record.forget()
    this.#free.push(token)
  }

  /** Abandons the memory of every message in flight: no notification will come. Writes that have not ended get `ending`. */
  abandonAll(ending: Ending): void {
    for (const record of this.inFlightRecords()) {
      for (const write of record.writes()) {
        if (!write.ended) write.fail(ending, true)
        write.abandon()
      }
    }
  }

  /** Datagrams that still wait for the kernel's answer. */
  unanswered(): { messages: number; bytes: number } {
    const records = [...this.inFlightRecords()].filter(({ result }) => result === undefined)
    const messages = records.reduce((sum, { joined }) => sum + 1 + joined.length, 0)
    return { messages, bytes: records.reduce((sum, { bytes }) => sum + bytes, 0) }
  }

  /** Every record in flight. */
  *inFlightRecords(): Generator<MessageRecord> {
    if (this.inFlight === 0) return
    const free = new Set(this.#free)
    for (const [token, record] of this.#records.entries()) if (!free.has(token)) yield record
  }
}

/** Whether the kernel took the memory of this message, which asked for zero-copy. The notification may still say "copied". */
function isShared(record: MessageRecord): boolean {
  return record.cause === null && record.result !== undefined && record.result > 0
}
