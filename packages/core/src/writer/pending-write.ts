import { type ReleaseOutcome, ZeroCopyError } from '../errors.js'
import type { SentWrite } from '../writer.js'
import type { Ending } from './endings.js'
import type { Envelope } from './envelope.js'
import { watchSignal } from './signal-watch.js'

/** The reason why a message is copied. `null`: the message asks for zero-copy. */
export type CopyCause = 'threshold' | 'limit' | 'demoted' | 'backend' | null

let caughtResolve: (sent: SentWrite) => void
let caughtReject: (error: ZeroCopyError) => void
/** An executor that makes no closure; a promise's constructor calls it before it returns. */
function catchFunctions(resolve: (sent: SentWrite) => void, reject: (error: ZeroCopyError) => void): void {
  caughtResolve = resolve
  caughtReject = reject
}

/** The `released` of every write that was released before a caller asked for it. */
const RELEASED: Readonly<Record<ReleaseOutcome, Promise<ReleaseOutcome>>> = {
  zerocopy: Promise.resolve('zerocopy'),
  copied: Promise.resolve('copied'),
  abandoned: Promise.resolve('abandoned'),
}

/**
 * One `write()` on its way: two promises, each settled once. `sent` is settled by the writer; `released` settles by itself
 * when the write has ended (sent, or failed) and no message that touches its memory is in flight.
 *
 * The object is small on purpose: every allocation per write goes through the processor's caches beside the payload.
 */
export class PendingWrite {
  readonly #data: Uint8Array | readonly Uint8Array[]
  /** Segments of the write. Each holds at least one byte. */
  readonly segmentCount: number
  readonly bytes: number
  /** Bytes of the largest segment. */
  readonly largestBytes: number
  /** Position in the order of calls; a datagram that has to be tried again goes back to its place. */
  readonly sequence: number
  /** Stream: bytes the kernel has queued. */
  sentBytes = 0
  /** Stream: where the unsent part begins. */
  segmentIndex = 0
  segmentOffset = 0
  /** Zero-copy was refused for want of memory: copy from now on. */
  mustCopy = false
  /** Datagram: its address and control data, where it has some. */
  envelope: Envelope | undefined
  /** Neighbours in the queue; undefined at its ends, and outside of it. */
  next: PendingWrite | undefined
  previous: PendingWrite | undefined
  /** Set for a turn: the socket's own bytes, which leave by another way at this place in the order. The function begins the turn. */
  readonly turn: (() => void) | undefined

  /** Whether the entry is a write of the half's own, which its queue counts; false for the socket's own bytes. */
  get isOwn(): boolean {
    return this.turn === undefined
  }

  /** Undefined before {@link promise} is called; see {@link answer}. */
  #resolve: ((sent: SentWrite) => void) | undefined
  #reject: ((error: ZeroCopyError) => void) | undefined
  #failure: ZeroCopyError | undefined
  #settled = false
  /** True: no further message will be made of the write. */
  #ended = false
  #messagesInFlight = 0
  /** Whether the kernel copied any byte of the write; undefined before the first message that the kernel took is released. */
  #copied: boolean | undefined
  #outcome: ReleaseOutcome | undefined
  #released: Promise<ReleaseOutcome> | undefined
  #resolveReleased: ((outcome: ReleaseOutcome) => void) | undefined
  #stopWatching: (() => void) | undefined

  /**
   * @param data - as `toSegments` answers
   * @param bytes - bytes of all segments
   * @param sequence - position in the order of calls
   * @param turn - see {@link turn}
   * @param largestBytes - see {@link largestBytes}
   */
  constructor(data: Uint8Array | readonly Uint8Array[], bytes: number, sequence: number, turn?: () => void, largestBytes: number = bytes) {
    this.#data = data
    this.segmentCount = Array.isArray(data) ? data.length : bytes > 0 ? 1 : 0
    this.bytes = bytes
    this.largestBytes = largestBytes
    this.sequence = sequence
    this.turn = turn
  }

  /** Segment `index` of {@link segmentCount}. */
  segment(index: number): Uint8Array {
    return Array.isArray(this.#data) ? (this.#data[index] as Uint8Array) : (this.#data as Uint8Array)
  }

  /** A promise of the outcome. Call it once, and instead of {@link answer}. */
  promise(): Promise<SentWrite> {
    const promise = new Promise<SentWrite>(catchFunctions)
    this.#resolve = caughtResolve
    this.#reject = caughtReject
    return promise
  }

  /**
   * The outcome where it is known by now, else a promise of the outcome. Call it once.
   * @throws ZeroCopyError where the write has failed
   */
  answer(): SentWrite | Promise<SentWrite> {
    if (!this.#settled) return this.promise()
    if (this.#failure !== undefined) throw this.#failure
    return new Sent(this)
  }

  get settled(): boolean {
    return this.#settled
  }

  get ended(): boolean {
    return this.#ended
  }

  /** Listens to the caller's signal until the write settles. */
  watch(signal: AbortSignal, onAbort: () => void): void {
    this.#stopWatching = watchSignal(signal, onAbort)
  }

  /** Every byte is sent. */
  completeSent(): void {
    if (!this.#settled) {
      this.#settle()
      this.#resolve?.(new Sent(this))
    }
    this.#end()
  }

  /** Rejects the promise. `ended` is false where the rest will still be sent (an aborted signal on a stream). */
  fail({ code, message, init }: Ending, ended: boolean): void {
    if (!this.#settled) {
      this.#settle()
      // Memory that no message touches, now or ever, was never shared.
      const untouched = ended && !this.begun
      this.#failure = new ZeroCopyError(code, message, untouched ? init : { ...init, released: this.released })
      this.#reject?.(this.#failure)
    }
    if (ended) this.#end()
  }

  /** Whether the kernel has bytes of the write, or may have. A write whose every message was refused is not begun. */
  get begun(): boolean {
    return this.sentBytes > 0 || this.#messagesInFlight > 0
  }

  messageSubmitted(): void {
    this.#messagesInFlight++
  }

  /** @param copied - whether the kernel copied; undefined: the kernel refused the whole message */
  messageReleased(copied: boolean | undefined): void {
    this.#messagesInFlight--
    if (copied !== undefined) this.#copied = this.#copied === true || copied
    this.#settleReleased()
  }

  /** The writer gives up waiting for the kernel. */
  abandon(): void {
    if (this.#outcome === undefined) this.#decide('abandoned')
  }

  /** The outcome that {@link released} has settled with, or undefined. */
  get outcome(): ReleaseOutcome | undefined {
    return this.#outcome
  }

  /** The promise is made when a caller asks for it: most callers that reuse no buffer never ask. */
  get released(): Promise<ReleaseOutcome> {
    if (this.#released === undefined) {
      this.#released =
        this.#outcome !== undefined
          ? RELEASED[this.#outcome]
          : new Promise((resolve) => {
              this.#resolveReleased = resolve
            })
    }
    return this.#released
  }

  #settle(): void {
    this.#settled = true
    this.#stopWatching?.()
    this.#stopWatching = undefined
  }

  #end(): void {
    this.#ended = true
    this.#settleReleased()
  }

  #settleReleased(): void {
    if (this.#ended && this.#messagesInFlight === 0 && this.#outcome === undefined)
      this.#decide(this.#copied === false ? 'zerocopy' : 'copied')
  }

  #decide(outcome: ReleaseOutcome): void {
    this.#outcome = outcome
    this.#resolveReleased?.(outcome)
    this.#resolveReleased = undefined
  }
}

class Sent implements SentWrite {
  readonly #write: PendingWrite

  constructor(write: PendingWrite) {
    this.#write = write
  }

  get bytes(): number {
    return this.#write.bytes
  }

  get released(): Promise<ReleaseOutcome> {
    return this.#write.released
  }
}
