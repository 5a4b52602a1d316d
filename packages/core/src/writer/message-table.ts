import { Errno } from '../driver/errno.js'
import { clock } from './clock.js'
import type { Ending } from './endings.js'
import type { CopyCause, PendingWrite } from './pending-write.js'

/** One message in flight, by token. */
export class MessageRecord {
  /** The first write whose memory it touches; undefined while the token is free. */
  first: PendingWrite | undefined
  /** The others, joined with it on a stream. Apart from it, since most messages have none, and an array costs each message two calls. */
  readonly joined: PendingWrite[] = []
  bytes = 0
  /** What the kernel answered: bytes, or a negated errno; undefined until then. */
  result: number | undefined
  /** Why it does not ask for zero-copy; null where it does. */
  cause: CopyCause = null
  /** When it was submitted, in ms of {@link clock}, or {@link NOT_TIMED}. */
  submittedAtMs = 0

  cover(write: PendingWrite): void {
    if (this.first === undefined) this.first = write
    else this.joined.push(write)
    write.messageSubmitted()
  }

  /** Tells its writes that it is released; see {@link PendingWrite.messageReleased}. */
  release(copied: boolean | undefined): void {
    this.first?.messageReleased(copied)
    for (const write of this.joined) write.messageReleased(copied)
  }

  /** Tells its writes that nobody will ever say when their memory is free. */
  abandon(): void {
    for (const write of this.writes()) write.abandon()
  }

  /** Its writes ask for zero-copy no more. */
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
 * One in so many batches is timed, the first among them. Reading the clock twice for every message is a fifth of what a writer costs
 * (measured with a driver that answers at once); whole batches, since the messages of one differ in how long they take.
 */
const TIMED_BATCH_EVERY = 8

/** Answers EINTR in a row after which a send is not tried again: a driver repeats an interrupted call by itself before it says so. */
const MAX_INTERRUPTED_ANSWERS = 16

/** The writer's tokens: a fixed number of records, each free or in flight. */
export class MessageTable {
  readonly #capacity: number
  /** Made when a token is taken for the first time: most writers never use many. */
  readonly #records: MessageRecord[] = []
  readonly #free: number[] = []
  #batchesUntilTimed = 0
  /** Undefined: to be read at the first message that asks for zero-copy. */
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

  /** Messages taken from now on are submitted together, at one time. */
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
   * The kernel's answer to message `token`: bytes, or a negated errno. Afterwards the record's `bytes` are those that the kernel took.
   * @returns bytes that it did not take
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

  /** Whether the last answer says that a send was interrupted, and it is worth another try. */
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

  /** Nobody will ever say when the memory of what is in flight is free; writes that are not settled get `ending`. */
  abandonAll(ending: Ending): void {
    for (const record of this.inFlightRecords()) {
      for (const write of record.writes()) {
        if (!write.ended) write.fail(ending, true)
        write.abandon()
      }
    }
  }

  /** Messages whose answer has not come. */
  unanswered(): { messages: number; bytes: number } {
    const records = [...this.inFlightRecords()].filter(({ result }) => result === undefined)
    return { messages: records.length, bytes: records.reduce((sum, { bytes }) => sum + bytes, 0) }
  }

  /** Every record in flight. */
  *inFlightRecords(): Generator<MessageRecord> {
    if (this.inFlight === 0) return
    const free = new Set(this.#free)
    for (const [token, record] of this.#records.entries()) if (!free.has(token)) yield record
  }
}

/** Whether the kernel took the memory of this message without copying it (so far as it has said). */
function isShared(record: MessageRecord): boolean {
  return record.cause === null && record.result !== undefined && record.result > 0
}
