import { type Driver, type DriverFailure, type DriverSink, Errno, Release, type ReleaseKind, Wake } from '../driver/driver.js'
import { limitMessage } from '../driver/send-failure.js'
import { ZeroCopyError } from '../errors.js'
import type { FileSource, SentWrite, WriteData, WriteFileOptions, WriteOptions, WriterStats } from '../writer.js'
import { AnswerOrder } from './answer-order.js'
import { Arming } from './arming.js'
import { BATCH } from './batch.js'
import { DatagramBatcher } from './datagram-batcher.js'
import { driverEnding, failedSendEnding } from './driver-ending.js'
import { type Ending, MEMORY_GONE, signalEnding, WRITER_CLOSED } from './endings.js'
import { openFileSource } from './file-source.js'
import { FileWrite, type FileWriteHost } from './file-write.js'
import { scheduleGroupFlush } from './group-flush.js'
import { IdleWait } from './idle-wait.js'
import { type MessageRecord, MessageTable } from './message-table.js'
import type { ResolvedWriterOptions } from './options.js'
import type { PendingWrite } from './pending-write.js'
import { PumpSchedule } from './pump-schedule.js'
import type { SendingHalfInit } from './sending-half-init.js'
import { signalOf } from './signal-watch.js'
import { StreamBatcher } from './stream-batcher.js'
import { Turns } from './turns.js'
import { WriteIntake } from './write-intake.js'
import { WriteQueue } from './write-queue.js'
import { WriterStatistics } from './writer-statistics.js'
import { ZerocopyPolicy } from './zerocopy-policy.js'

/**
 * The one owner of a socket's sending half: order, partial sends, backpressure, thresholds, ENOBUFS, promises; the same for every driver.
 * Two faces of the half write to the socket: the writer, and the socket's own stream (by turns).
 *
 * Invariants. (1) A write's `released` settles after the last message that touches its memory is released, never before.
 * (2) A token is in flight from `submit` to its `released`. (3) No message is submitted while another waits for its `sent`, or
 * while a turn runs: the order is the kernel's. (4) The driver is armed while sent messages are unreleased; without a message in flight it is
 * disarmed, so that the event loop can end. (5) Once the half has discarded a write of a stream, {@link truncated} is
 * true, and the connection must not end cleanly. A write that its signal withdraws, or that fails alone before its first byte, leaves no hole.
 */
export class SendingHalf implements DriverSink, FileWriteHost {
  readonly #init: SendingHalfInit
  readonly #options: ResolvedWriterOptions
  readonly #queue = new WriteQueue()
  readonly #schedule = new PumpSchedule(() => this.#runPump())
  /** Bytes that leave through the socket's own stream, and files. */
  readonly turns = new Turns(this.#queue, this.#schedule, () => this.#unanswered === 0)
  readonly #statistics = new WriterStatistics()
  readonly #driver: Driver
  readonly #isStream: boolean
  readonly #intake: WriteIntake
  readonly #table: MessageTable
  readonly #policy: ZerocopyPolicy
  readonly #answers: AnswerOrder
  readonly #batcher: StreamBatcher | DatagramBatcher
  #unanswered = 0
  /** The next message waits for room in the socket, for memory that the kernel holds, or for a free token; null: for nothing. */
  #waitsFor: 'room' | 'release' | 'token' | null = null
  #collectDue = false
  /** The pump flushes the messages that the driver holds back for its group. */
  #flushesAtOnce = false
  readonly #arming: Arming
  /** `ending`: queued writes are still sent. `discarding`: queued writes failed, messages in flight are awaited. `closed`: the driver is closed. */
  #phase: 'open' | 'ending' | 'discarding' | 'closed' = 'open'
  /** A new write gets this ending instead of a place in the queue. */
  #ending: Ending | undefined
  #truncated = false
  readonly #idleWait = new IdleWait(() => this.#phase === 'closed' || (this.#queue.length === 0 && this.#table.inFlight === 0))

  constructor(init: SendingHalfInit) {
    this.#init = init
    this.#options = init.options
    const driver = init.open(this)
    this.#driver = driver
    this.#arming = new Arming(driver)
    this.#isStream = driver.kind === 'stream'
    this.#intake = new WriteIntake(driver)
    this.#table = new MessageTable(driver.maxInFlight)
    this.#policy = new ZerocopyPolicy(this.#options, driver.zerocopy, init.way, init.onDemoted)
    this.#answers = new AnswerOrder(this.#queue, this.#isStream, this.#schedule.task)
    this.#batcher = this.#isStream
      ? new StreamBatcher(this.#table, this.#policy, driver.maxSegmentsPerMessage, this.#options.maxJoinedBytes)
      : new DatagramBatcher(this.#table, this.#policy, driver, this.#options.maxJoinedBytes)
  }

  get driver(): Driver {
    return this.#driver
  }

  /** True: some accepted bytes of a stream will never be sent. */
  get truncated(): boolean {
    return this.#truncated
  }

  get isClosed(): boolean {
    return this.#phase === 'closed'
  }

  /** The ending that a new write gets instead of a place in the queue. */
  get ending(): Ending | undefined {
    return this.#ending
  }

  /** Unsent bytes of the writes that wait in the queue. */
  get queuedBytes(): number {
    return this.#queue.unsentBytes
  }

  /** Whether a write or a turn waits in the queue. */
  get hasQueued(): boolean {
    return this.#queue.first !== undefined
  }

  get acceptedBytes(): number {
    return this.#statistics.acceptedBytes
  }

  // ---- the caller's side

  /** Queues a write; see `ZeroCopyWriter.write`. */
  write(data: WriteData, options: WriteOptions | undefined): Promise<SentWrite> {
    let write: PendingWrite
    try {
      write = this.#enqueue(data, options)
    } catch (error) {
      return Promise.reject(error)
    }
    // Unless the half waits for something, the kernel will most likely have answered when the pump returns.
    const promptly = this.#waitsFor === null && this.#unanswered === 0 && !this.turns.runs && this.#driver.group === null
    const promise = this.#answers.promise(write, promptly)
    // A task of the answers pumps: one pump is enough.
    if (this.#answers.hasTask) this.#schedule.expect()
    else this.#schedule.ask()
    return promise
  }

  /**
   * Queues a write and hands it to the kernel before it returns, though a driver may answer later.
   * @returns the write: take its answer, or its promise, once
   * @throws ZeroCopyError for every reason for which {@link write} rejects at once
   */
  writeNow(data: WriteData): PendingWrite {
    const write = this.#enqueue(data, undefined)
    this.#flushesAtOnce = true
    this.#schedule.expect()
    this.#schedule.task()
    this.#flushesAtOnce = false
    return write
  }

  /** Queues a range of a file; see `ZeroCopyWriter.writeFile`. */
  writeFile(source: FileSource, options: WriteFileOptions = {}): Promise<SentWrite> {
    let write: FileWrite | undefined
    try {
      if (this.#ending !== undefined) throw new ZeroCopyError(this.#ending.code, this.#ending.message, this.#ending.init)
      write = new FileWrite(openFileSource(this.#driver, source, Object(options)), this.#queue.sequence, this)
      this.#accept(write, signalOf(options))
    } catch (error) {
      write?.close()
      return Promise.reject(error)
    }
    this.#schedule.ask()
    return this.#answers.promise(write, false)
  }

  #enqueue(data: WriteData, options: WriteOptions | undefined): PendingWrite {
    if (this.#ending !== undefined) throw new ZeroCopyError(this.#ending.code, this.#ending.message, this.#ending.init)
    const write = this.#intake.take(data, options, this.#queue.sequence)
    this.#accept(write, options?.signal)
    return write
  }

  #accept(write: PendingWrite, signal: AbortSignal | undefined): void {
    if (signal?.aborted) throw new ZeroCopyError('ERR_ZC_ABORTED', 'The signal was aborted before the write.', { cause: signal.reason })
    if (this.#queue.length >= this.#options.maxQueuedWrites) {
      throw new ZeroCopyError('ERR_ZC_QUEUE_FULL', `${this.#queue.length} writes are queued already (maxQueuedWrites).`, {
        remedy: 'Await the writes before you add more.',
      })
    }
    this.#queue.takeSequence()
    if (signal !== undefined) write.watch(signal, () => this.#signalAborted(write, signal))
    this.#statistics.writeAccepted(write.bytes)
    this.#queue.push(write)
  }

  #signalAborted(write: PendingWrite, { reason }: AbortSignal): void {
    // Half a write would corrupt a stream, and nobody can call a submitted datagram back: only the waiting stops.
    const { begun } = write
    write.fail(signalEnding(reason, begun), !begun)
    if (begun) return
    this.turns.end(write)
    // An empty queue needs no room: the event loop can end.
    if (this.#queue.length === 0 && this.#waitsFor === 'room') this.#waitsFor = null
  }

  stats(): WriterStats {
    // A stream's write stays in the queue until it is wholly sent; a datagram leaves it with its message.
    const unanswered = this.#isStream ? undefined : this.#table.unanswered()
    return this.#statistics.snapshot(this.#driver, this.#queue, this.#table, unanswered)
  }

  // ---- files: writes whose bytes leave in a turn of their own

  fileSent(write: FileWrite, bytes: number): void {
    this.#statistics.fileSent(bytes)
    this.#init.onProgress?.()
    this.#queue.firstSent(bytes)
    if (write.sentBytes < write.bytes) return
    this.turns.end(write)
    write.completeSent()
  }

  fileAwaitsRoom(): void {
    this.#waitsFor = 'room'
    this.turns.interrupt()
  }

  fileRefused(errno: number): void {
    this.#broken(failedSendEnding('sendfile', errno))
  }

  fileLost(ending: Ending): void {
    this.#lose(ending)
    this.turns.interrupt()
  }

  // ---- the driver's side

  sent(token: number, result: number): void {
    const record = this.#table.record(token)
    const refusedBytes = this.#table.answer(token, result)
    this.#unanswered--
    // A driver that answers from the event loop: the next batch of a stream waits for this answer alone.
    if (this.#unanswered === 0) this.#schedule.ask()
    if (result >= 0) {
      this.#statistics.messageSent(result)
      this.#init.onProgress?.()
      if (record.cause === 'limit' && this.#policy.copiedAtLimit(result)) this.#collectDue = true
      if (!this.#isStream) {
        // The kernel sends a datagram whole: missing bytes were transferred away.
        if (refusedBytes > 0) record.first?.fail(MEMORY_GONE, true)
        else record.completeSent()
        return
      }
      if (this.#phase !== 'discarding') (this.#batcher as StreamBatcher).advance(this.#queue, result)
      // The socket took what it had room for: another try now could only fail.
      if (refusedBytes > 0) this.#waitsFor = 'room'
      return
    }
    const [errno, answeredBy] = [-result, this.#driver.answeredBy?.(token) ?? 'sendmsg']
    if (typeof answeredBy !== 'string') this.#sendFailed(token, errno, answeredBy)
    // Canceled: not attempted. Interrupted: nothing was sent. Both messages are simply tried again.
    else if (errno === Errno.ECANCELED || this.#table.wasInterrupted) this.#requeue(record)
    else if (errno === Errno.EAGAIN) {
      this.#requeue(record)
      this.#waitsFor = 'room'
    } else if (errno === Errno.ENOBUFS || errno === Errno.ENOMEM) this.#noBuffers(token, errno, answeredBy)
    else this.#sendFailed(token, errno, answeredBy)
  }

  released(token: number, release: ReleaseKind): void {
    const record = this.#table.record(token)
    const result = record.result ?? -Errno.ECANCELED
    const wasSent = result > 0 || (result === 0 && record.bytes === 0)
    if (wasSent) {
      this.#statistics.messageReleased(record, release)
      if (record.cause === null) this.#policy.notified(release)
      // The peer has acknowledged: that acknowledgement is progress, too.
      if (record.cause === null) this.#init.onProgress?.()
    }
    if (release === Release.Abandoned) record.abandon()
    record.release(wasSent ? release !== Release.Zerocopy : undefined)
    const shared = this.#table.sharedCount
    this.#table.free(token)
    if (this.#waitsFor === 'token' || (this.#waitsFor === 'release' && this.#table.sharedCount < shared)) this.#waitsFor = null
    if (this.#queue.first !== undefined) this.#schedule.ask()
    else this.#idleWait.check()
  }

  wake(bits: number): void {
    this.#arming.woken(bits)
    if ((bits & Wake.Writable) !== 0 && this.#waitsFor === 'room') this.#waitsFor = null
    // The pump collects later: here events are being dispatched, and collecting makes more events.
    if ((bits & Wake.Notification) !== 0) this.#collectDue = true
    this.#schedule.ask()
  }

  /** The next bytes of a stream are gone: no later byte can leave. */
  #lose(ending: Ending): void {
    if (this.#queue.length > 1 || (this.#queue.first?.sentBytes ?? 0) > 0) this.discard(ending)
    else this.#queue.shift().fail(ending, true)
  }

  /** The kernel has none of the message. A stream's writes are still in the queue: only `advance` moves on. */
  #requeue(record: MessageRecord): void {
    if (!this.#isStream) this.#queue.putBackUnsent(record.writes(), this.#phase === 'discarding' ? this.#ending : undefined)
  }

  #noBuffers(token: number, errno: number, answeredBy: string): void {
    const record = this.#table.record(token)
    if (this.#table.sharedCount > 0) {
      this.#requeue(record)
      if (record.cause === null && this.#policy.limitReached()) this.#collectDue = true
      else this.#waitsFor = 'release'
    } else if (record.cause === null) {
      record.mustCopy()
      this.#requeue(record)
      this.#init.onLimit(limitMessage(errno))
    } else this.#sendFailed(token, errno, answeredBy)
  }

  #sendFailed(token: number, errno: number, answeredBy: string | DriverFailure): void {
    const record = this.#table.record(token)
    const datagram = this.#isStream ? undefined : record.first
    const ending = failedSendEnding(answeredBy, errno, datagram)
    // The first of joined datagrams has failed, unless each is tried alone.
    if (this.#isStream || !(this.#batcher as DatagramBatcher).separates(record, errno)) datagram?.fail(ending, true)
    if (record.joined.length > 0) this.#requeue(record)
    // The next datagram may succeed.
    if (!this.#isStream && errno !== Errno.EBADF) return
    this.#broken(ending)
  }

  // ---- moving on

  #runPump(): void {
    try {
      if (this.#phase !== 'closed') this.#pump()
    } catch (cause) {
      this.#driverThrew(cause)
    }
    this.#idleWait.check()
  }

  /** A driver reports through its sink. A driver that throws is at fault, and the fate of its messages is unknown. */
  #driverThrew(cause: unknown): void {
    BATCH.clear()
    this.#broken(driverEnding(this.#driver.backend, cause))
  }

  #broken(ending: Ending): void {
    this.discard(ending)
    this.#init.onBroken(new ZeroCopyError(ending.code, ending.message, ending.init))
  }

  #pump(): void {
    while (this.#fillBatch()) {
      this.#unanswered += BATCH.messageCount
      this.#driver.submit(BATCH)
      BATCH.clear()
      const { group } = this.#driver
      if (group !== null && !this.#flushesAtOnce) {
        scheduleGroupFlush(group, this.#driver)
        break
      }
      if (group !== null) this.#driver.flush()
    }
    this.#armForWhatIsLeft()
  }

  /** Collects where that is due, and fills the batch with sendable writes; false where there are none, or the half has to wait. */
  #fillBatch(): boolean {
    if (this.#collectDue) {
      this.#collectDue = false
      this.#driver.collect()
    }
    if (this.#isStream) this.#runTurns()
    if (this.#unanswered > 0) return false
    if (this.#waitsFor !== null || this.turns.runs || this.#queue.first === undefined || this.#phase === 'closed') return false
    if (this.#table.freeCount === 0) {
      this.#driver.collect()
      if (this.#table.freeCount === 0) {
        this.#waitsFor = 'token'
        return false
      }
    }
    this.#table.beginBatch()
    if (!this.#batcher.fill(BATCH, this.#queue)) this.#lose(MEMORY_GONE)
    return BATCH.messageCount > 0
  }

  /** Completes empty writes, and begins the turns that stand first. A turn that ends within its `begin` makes way for the next entry. */
  #runTurns(): void {
    const batcher = this.#batcher as StreamBatcher
    batcher.advance(this.#queue, 0)
    for (let { first } = this.#queue; first?.turn !== undefined && !this.#turnWaits; { first } = this.#queue) {
      this.turns.begin(first.turn)
      batcher.advance(this.#queue, 0)
    }
  }

  get #turnWaits(): boolean {
    return this.turns.runs || this.#unanswered > 0 || this.#waitsFor === 'room'
  }

  #armForWhatIsLeft(): void {
    if (this.#phase === 'closed') return
    let bits = 0
    if (this.#waitsFor === 'room') bits |= Wake.Writable
    // The event loop will report the release of every message that is in flight now. While the caller keeps the writer busy
    // within one turn of the loop, arming costs nothing. A message without its answer gets its answer first, unasked.
    if (this.#table.inFlight > this.#unanswered) bits |= Wake.Notification
    this.#arming.wait(bits)
  }

  // ---- the end

  /** New writes get `ending` from now on, unless they already get another ending; queued writes are still sent. */
  end(ending: Ending): void {
    if (this.#ending !== undefined) return
    this.#ending = ending
    this.#phase = 'ending'
    this.#init.onEnding(ending)
  }

  /** New writes and queued writes fail with `ending`. */
  discard(ending: Ending): void {
    if (this.#phase === 'closed') return
    const first = this.#ending === undefined
    this.#ending = ending
    this.#phase = 'discarding'
    for (const write of this.#queue.takeAll()) {
      if (this.#isStream && write.bytes > 0) this.#truncated = true
      write.fail(ending, true)
    }
    this.turns.interrupt()
    this.#waitsFor = null
    if (first) this.#init.onEnding(ending)
  }

  /** Resolves true when no write is queued or in flight, false when `limitMs` ran out first. */
  idle(limitMs: number): Promise<boolean> {
    const idle = this.#idleWait.wait(limitMs)
    this.#schedule.ask()
    return idle
  }

  /** Closes the driver, and abandons the memory that the kernel still holds. */
  closeDriver(): void {
    if (this.#phase === 'closed') return
    const ending = this.#ending ?? WRITER_CLOSED
    this.#phase = 'closed'
    this.#driver.disarm(Wake.Writable | Wake.Notification)
    this.#statistics.abandonedBytes += this.#driver.close()
    this.#table.abandonAll(ending)
    this.#idleWait.check()
    this.#init.onClosed()
  }
}
