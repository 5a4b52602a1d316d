import {
  type BackendName,
  type Driver,
  type DriverFailure,
  type DriverSink,
  Errno,
  Release,
  type ReleaseKind,
  SendBatch,
  type SocketKind,
  Wake,
} from '../driver/driver.js'
import { errnoName } from '../driver/errno.js'
import { limitMessage, sendFailure } from '../driver/send-failure.js'
import { ZeroCopyError } from '../errors.js'
import type { ResolvedWriterOptions } from '../open/options.js'
import type { SentWrite, WriteData, WriteOptions, WriterStats, ZeroCopyWriter } from '../writer.js'
import { DatagramBatcher } from './datagram-batcher.js'
import { driverEnding } from './driver-ending.js'
import { abortedEnding, drainTimeoutEnding, type Ending, MEMORY_GONE, SOCKET_CLOSED, signalEnding, WRITER_CLOSED } from './endings.js'
import { scheduleGroupFlush } from './group-flush.js'
import { IdleWait } from './idle-wait.js'
import type { ManagedWriterInit } from './managed-writer-init.js'
import { type MessageRecord, MessageTable } from './message-table.js'
import { afterThisCode, oneTaskLater, runAsMicrotask } from './microtask.js'
import type { PendingWrite } from './pending-write.js'
import { signalOf } from './signal-watch.js'
import { StreamBatcher } from './stream-batcher.js'
import { toPendingWrite } from './write-data.js'
import { WriteQueue } from './write-queue.js'
import { WriterStatistics } from './writer-statistics.js'
import { ZerocopyPolicy } from './zerocopy-policy.js'

/** Messages, and segments, of one native call. */
const MAX_BATCH_MESSAGES = 64
const MAX_BATCH_SEGMENTS = 1_024
/** Of every writer here: it is filled, submitted and emptied in one go, and stays in the processor's caches where many would not. */
const BATCH = new SendBatch(MAX_BATCH_MESSAGES, MAX_BATCH_SEGMENTS)

const NO_OPTIONS: WriteOptions = {}

/**
 * The writer: order, partial sends, backpressure, thresholds, ENOBUFS, promises, abort, close; the same for every driver.
 *
 * Invariants. (1) A write's `released` settles after the last message that touches its memory is released, never before.
 * (2) A token is in flight from `submit` to its `released`. (3) No message is submitted while another waits for its `sent`: order is the kernel's.
 * (4) With messages sent and not released the driver is armed; with none in flight it is not, so that the event loop can end.
 */
export class ManagedWriter implements ZeroCopyWriter, DriverSink {
  choice = ''
  readonly #init: ManagedWriterInit
  readonly #options: ResolvedWriterOptions
  readonly #queue = new WriteQueue()
  readonly #statistics = new WriterStatistics()
  #driver!: Driver
  #isStream = false
  #table!: MessageTable
  #policy!: ZerocopyPolicy
  #streamBatcher!: StreamBatcher
  #datagramBatcher!: DatagramBatcher
  #sequence = 0
  #unanswered = 0
  /** What the next message waits for: room in the socket, memory that the kernel holds, or a free token. */
  #blocked: 'writable' | 'notification' | 'token' | null = null
  #collectDue = false
  #pumpScheduled = false
  /** The pump runs, and looks again at everything before it ends: it needs no other. */
  #pumping = false
  readonly #pumpTask = (): void => this.#runPump()
  /** Writes whose caller waits for {@link #answerTask}: one task for each, in the same order. */
  readonly #asked = new WriteQueue()
  readonly #answerTask = (): SentWrite | Promise<SentWrite> => {
    this.#runPump()
    const write = this.#asked.shift()
    if (!write.settled) this.#lateSequence = write.sequence
    return write.answer()
  }
  /** Position of the last of those writes that was not sent by then. */
  #lateSequence = -1
  /** Bits that the driver is armed for. */
  #armed = 0
  #limitReported = false
  /** The queue was failed: what comes back from the driver is not tried again. */
  #discarding = false
  /** What a write gets from now on instead of being queued. */
  #ending: Ending | undefined
  #closed: Promise<void> | undefined
  #driverOpen = true
  readonly #idleWait = new IdleWait(() => !this.#driverOpen || (this.#queue.length === 0 && this.#table.inFlight === 0))

  constructor(init: ManagedWriterInit) {
    this.#init = init
    this.#options = init.options
  }

  /** Called once, before anything else: the driver needs its sink first. */
  attach(driver: Driver): void {
    this.#driver = driver
    this.#isStream = driver.kind === 'stream'
    this.choice = this.#init.choice()
    this.#table = new MessageTable(driver.maxInFlight)
    this.#policy = new ZerocopyPolicy(this.#options, driver.zerocopy)
    this.#datagramBatcher = new DatagramBatcher(this.#table, this.#policy)
    this.#streamBatcher = new StreamBatcher(this.#table, this.#policy, driver.maxSegmentsPerMessage, this.#options.maxJoinedBytes)
  }

  get backend(): BackendName {
    return this.#driver.backend
  }

  get kind(): SocketKind {
    return this.#driver.kind
  }

  // ---- the caller's side

  write(data: WriteData, options: WriteOptions = NO_OPTIONS): Promise<SentWrite> {
    let write: PendingWrite
    try {
      write = this.#enqueue(data, options)
    } catch (error) {
      return Promise.reject(error)
    }
    if (this.#answersLater()) {
      this.#schedulePump()
      // As many microtasks after the answer as for an earlier write that waits in a promise of its task: callers hear in the order of calls.
      const behindLate = this.#isStream && this.#queue.at(0).sequence <= this.#lateSequence
      return behindLate ? oneTaskLater(write.promise()) : write.promise()
    }
    // The kernel will most likely have answered by the time that the pump returns: that task answers the caller, too.
    this.#asked.push(write)
    this.#pumpScheduled = true
    return afterThisCode(this.#answerTask)
  }

  /** Whether a write that is queued now can't be sent by the next pump, as far as can be told. */
  #answersLater(): boolean {
    return this.#blocked !== null || this.#unanswered > 0 || this.#driver.group !== null
  }

  #enqueue(data: WriteData, options: WriteOptions): PendingWrite {
    if (this.#ending !== undefined) throw new ZeroCopyError(this.#ending.code, this.#ending.message, this.#ending.init)
    const write = toPendingWrite(data, this.#sequence, this.#isStream ? Number.POSITIVE_INFINITY : this.#driver.maxSegmentsPerMessage)
    const signal = options === NO_OPTIONS ? undefined : signalOf(options)
    if (signal?.aborted) throw new ZeroCopyError('ERR_ZC_ABORTED', 'The signal was aborted before the write.', { cause: signal.reason })
    if (this.#queue.length >= this.#options.maxQueuedWrites) {
      throw new ZeroCopyError('ERR_ZC_QUEUE_FULL', `${this.#queue.length} writes are queued already (maxQueuedWrites).`, {
        remedy: 'Await the writes before you add more.',
      })
    }
    this.#sequence++
    if (signal !== undefined) write.watch(signal, () => this.#signalAborted(write, signal))
    this.#statistics.writes++
    this.#queue.push(write)
    return write
  }

  #signalAborted(write: PendingWrite, { reason }: AbortSignal): void {
    const { begun } = write
    // Half a write would corrupt a stream, and a datagram that is submitted can't be called back: only the waiting stops.
    write.fail(signalEnding(reason, begun), !begun)
    if (begun) return
    this.#queue.remove(write)
    // Room is not waited for where nothing wants it: the event loop can end.
    if (this.#queue.length === 0 && this.#blocked === 'writable') this.#blocked = null
    this.#schedulePump()
  }

  close(): Promise<void> {
    this.#closed ??= this.#drainAndClose()
    return this.#closed
  }

  abort(reason?: unknown): Promise<void> {
    const first = this.#closed === undefined
    const aborted = this.#abortConnection(abortedEnding(reason))
    if (first) this.#closed = aborted
    return aborted
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  stats(): WriterStats {
    // A stream's write stays in the queue until it is wholly sent; a datagram leaves it with its message.
    const unanswered = this.#isStream ? { messages: 0, bytes: 0 } : this.#table.unanswered()
    const now = {
      queuedWrites: this.#queue.length + unanswered.messages,
      queuedBytes: this.#queue.unsentBytes + unanswered.bytes,
      inFlight: this.#table.inFlight,
      bytesInFlight: this.#table.inFlightBytes,
    }
    return this.#statistics.snapshot(this.backend, now, this.#driver.counters())
  }

  /**
   * Resolves when everything given so far is sent and released, or the driver is closed. Without a limit, as `socket.end()` has none: a FIN
   * before the last byte would tell the peer that it has everything.
   */
  async drained(): Promise<void> {
    await this.#idle(Number.POSITIVE_INFINITY)
  }

  /** The caller's own socket was closed under the writer: nothing more can be sent, what is in flight is waited for. */
  socketClosed(): void {
    if (this.#ending === undefined || this.#queue.length > 0) {
      this.#endQueue(SOCKET_CLOSED)
    }
    // A message that still waits for its answer would wait for the peer: nobody is left to read what it says.
    if (this.#unanswered > 0) this.#driver.abort()
    // Nobody awaits this one: a failure to drain has been told to each write.
    this.close().catch(() => undefined)
  }

  // ---- the driver's side

  sent(token: number, result: number): void {
    const record = this.#table.record(token)
    const refusedBytes = this.#table.answer(token, result)
    this.#unanswered--
    // A driver that answers from the event loop: the next batch of a stream waits for this answer alone.
    if (this.#unanswered === 0) this.#schedulePump()
    if (result >= 0) {
      this.#statistics.messageSent(result)
      if (record.cause === 'limit' && this.#policy.copiedAtLimit(result)) this.#collectDue = true
      if (!this.#isStream) {
        // A datagram is sent whole: what is missing was transferred away.
        if (refusedBytes > 0) record.first?.fail(MEMORY_GONE, true)
        else record.first?.completeSent()
        return
      }
      if (!this.#discarding) this.#streamBatcher.advance(this.#queue, result)
      // The socket took what it had room for: another try now could only fail.
      if (refusedBytes > 0) this.#blocked = 'writable'
      return
    }
    const [errno, failure] = [-result, this.#driver.failure?.(token)]
    if (failure !== undefined) this.#sendFailed(token, errno, failure)
    // Canceled: not attempted. Interrupted: nothing was sent. Both are simply tried again.
    else if (errno === Errno.ECANCELED || this.#table.wasInterrupted) this.#requeue(record)
    else if (errno === Errno.EAGAIN) {
      this.#requeue(record)
      this.#blocked = 'writable'
    } else if (errno === Errno.ENOBUFS || errno === Errno.ENOMEM) this.#noBuffers(token, errno)
    else this.#sendFailed(token, errno)
  }

  released(token: number, release: ReleaseKind): void {
    const record = this.#table.record(token)
    const result = record.result ?? -Errno.ECANCELED
    const wasSent = result > 0 || (result === 0 && record.bytes === 0)
    if (wasSent) this.#statistics.messageReleased(record, release)
    if (wasSent && record.cause === null) this.#policy.notified(release)
    if (release === Release.Abandoned) record.abandon()
    const copied = wasSent && release !== Release.Zerocopy
    record.release(copied)
    const shared = this.#table.sharedCount
    this.#table.free(token)
    if (this.#blocked === 'token' || (this.#blocked === 'notification' && this.#table.sharedCount < shared)) this.#blocked = null
    if (this.#queue.length > 0) this.#schedulePump()
    else this.#idleWait.check()
  }

  wake(bits: number): void {
    this.#armed &= ~bits
    if ((bits & Wake.Writable) !== 0 && this.#blocked === 'writable') this.#blocked = null
    // Not here: events are being dispatched, and collecting makes more of them.
    if ((bits & Wake.Notification) !== 0) this.#collectDue = true
    this.#schedulePump()
  }

  /** The caller transferred the memory of a stream's next bytes after `write()`: nothing that was to follow them can leave. */
  #memoryGone(): void {
    if (this.#queue.length > 1 || this.#queue.at(0).sentBytes > 0) this.#endQueue(MEMORY_GONE)
    else this.#queue.shift().fail(MEMORY_GONE, true)
  }

  #requeue({ first: write }: MessageRecord): void {
    if (this.#isStream || write === undefined) return // Of a stream still at the head of the queue: only `advance` moves on.
    if (this.#discarding && this.#ending !== undefined) {
      write.fail(this.#ending, true)
    } else if (write.settled) {
      // Its signal was aborted while it waited; nothing of it was sent, so it need not be.
      write.completeSent()
    } else this.#queue.putBack(write)
  }

  #noBuffers(token: number, errno: number): void {
    const record = this.#table.record(token)
    const { cause } = record
    if (this.#table.sharedCount > 0) {
      this.#requeue(record)
      if (cause === null && this.#policy.limitReached()) this.#collectDue = true
      else this.#blocked = 'notification'
    } else if (cause === null) {
      record.mustCopy()
      this.#requeue(record)
      if (this.#limitReported) return
      this.#limitReported = true
      this.#init.onLimit(limitMessage(errno))
    } else this.#sendFailed(token, errno)
  }

  #sendFailed(token: number, errno: number, failure?: DriverFailure): void {
    const bytes = this.#isStream ? undefined : this.#table.record(token).first?.bytes
    const syscall = this.#driver.answeringCall?.(token) ?? 'sendmsg'
    const { code, message, ...init } = failure ?? { ...sendFailure(errno, bytes), errno: errnoName(errno), syscall }
    if (!this.#isStream) this.#table.record(token).first?.fail({ code, message, init }, true)
    // One datagram that can't be sent says nothing of the next.
    if (!this.#isStream && errno !== Errno.EBADF) return
    this.#endQueue({ code, message, init })
    this.#init.onBroken(new ZeroCopyError(code, message, init))
  }

  // ---- moving on

  #schedulePump(): void {
    if (this.#pumpScheduled || this.#pumping) return
    this.#pumpScheduled = true
    runAsMicrotask(this.#pumpTask)
  }

  #runPump(): void {
    if (!this.#pumpScheduled) return
    this.#pumpScheduled = false
    this.#pumping = true
    try {
      this.#pump()
    } catch (cause) {
      this.#driverThrew(cause)
    } finally {
      this.#pumping = false
    }
  }

  /** A driver reports through its sink; one that throws is at fault, and what it was given may be anywhere. */
  #driverThrew(cause: unknown): void {
    BATCH.clear()
    const ending = driverEnding(this.backend, cause)
    this.#endQueue(ending)
    this.#init.onBroken(new ZeroCopyError(ending.code, ending.message, ending.init))
  }

  #pump(): void {
    if (!this.#driverOpen) {
      this.#idleWait.check()
      return
    }
    while (this.#fillBatch()) {
      this.#unanswered += BATCH.messageCount
      this.#driver.submit(BATCH)
      BATCH.clear()
      const { group } = this.#driver
      if (group !== null) {
        scheduleGroupFlush(group, this.#driver)
        break
      }
    }
    this.#armForWhatIsLeft()
    this.#idleWait.check()
  }

  /** Collects where that is due, and fills the batch with what can be sent now; false where there is nothing, or something to wait for. */
  #fillBatch(): boolean {
    if (this.#collectDue) {
      this.#collectDue = false
      this.#driver.collect()
    }
    if (this.#isStream) this.#streamBatcher.advance(this.#queue, 0)
    if (this.#blocked !== null || this.#queue.length === 0 || !this.#driverOpen) return false
    if (this.#unanswered > 0) return false
    if (this.#table.freeCount === 0) {
      this.#driver.collect()
      if (this.#table.freeCount === 0) {
        this.#blocked = 'token'
        return false
      }
    }
    this.#table.beginBatch()
    if (!this.#isStream) this.#datagramBatcher.fill(BATCH, this.#queue)
    else if (!this.#streamBatcher.fill(BATCH, this.#queue)) this.#memoryGone()
    return BATCH.messageCount > 0
  }

  #armForWhatIsLeft(): void {
    if (!this.#driverOpen) return
    let bits = 0
    if (this.#blocked === 'writable') bits |= Wake.Writable
    // Whatever is in flight now, the event loop will say when it is released; while the caller keeps the writer busy
    // within one turn of the loop, nothing is armed and nothing is spent. A message without its answer gets that first, unasked.
    if (this.#table.inFlight > this.#unanswered) bits |= Wake.Notification
    if ((bits & ~this.#armed) !== 0) this.#driver.arm(bits)
    else if (bits === 0 && this.#armed !== 0) this.#driver.disarm(this.#armed)
    this.#armed = bits === 0 ? 0 : this.#armed | bits
  }

  // ---- the end

  /** From now on writes fail with `ending`, and so do those that are queued. */
  #endQueue(ending: Ending): void {
    this.#ending = ending
    this.#discarding = true
    for (const write of this.#queue.takeAll()) write.fail(ending, true)
    this.#blocked = null
    this.#schedulePump()
  }

  /** Resolves true when nothing is queued or in flight (or the driver is closed), false when `limitMs` ran out first. */
  #idle(limitMs: number): Promise<boolean> {
    const idle = this.#idleWait.wait(limitMs)
    this.#schedulePump()
    return idle
  }

  async #drainAndClose(): Promise<void> {
    this.#ending ??= WRITER_CLOSED
    const { drainTimeoutMs } = this.#options
    if (await this.#idle(drainTimeoutMs)) return this.#closeDriver()
    if (!this.#driverOpen) return
    const ending = drainTimeoutEnding(drainTimeoutMs, this.#driver.failure?.())
    await this.#abortConnection(ending)
    throw new ZeroCopyError(ending.code, ending.message, ending.init)
  }

  async #abortConnection(ending: Ending): Promise<void> {
    if (!this.#driverOpen) return
    this.#endQueue(ending)
    this.#driver.abort()
    await this.#idle(this.#options.abortGraceMs)
    this.#closeDriver()
  }

  #closeDriver(): void {
    if (!this.#driverOpen) return
    this.#driverOpen = false
    this.#driver.disarm(Wake.Writable | Wake.Notification)
    this.#statistics.abandonedBytes += this.#driver.close()
    const ending = this.#ending ?? WRITER_CLOSED
    for (const record of this.#table.inFlightRecords()) {
      for (const write of record.writes()) {
        if (!write.ended) write.fail(ending, true)
        write.abandon()
      }
    }
    this.#idleWait.check()
    this.#init.onClosed()
  }
}
