import { type ReleaseOutcome, ZeroCopyError } from '../errors.js'
import type { SentWrite } from '../writer.js'
import type { Ending } from './endings.js'
import { watchSignal } from './signal-watch.js'

/** Why a message does not ask for zero-copy. `null`: it does. */
export type CopyCause = 'threshold' | 'limit' | 'demoted' | 'backend' | null

let caughtResolve: (sent: SentWrite) => void
let caughtReject: (error: ZeroCopyError) => void
/** An executor that makes no closure; a promise's constructor calls it before it returns. */
function catchFunctions(resolve: (sent: SentWrite) => void, reject: (error: ZeroCopyError) => void): void {
  caughtResolve = resolve
  caughtReject = reject
}

/** What every write that was released before anybody asked answers. */
const RELEASED: Readonly<Record<ReleaseOutcome, Promise<ReleaseOutcome>>> = {
  zerocopy: Promise.resolve('zerocopy'),
  copied: Promise.resolve('copied'),
  abandoned: Promise.resolve('abandoned'),
}

/**
 * One `write()` on its way: two promises, each settled once. `sent` is settled by the writer; `released` settles by itself
 * when the write has ended (sent, or failed) and no message that touches its memory is in flight.
 *
 * It is small on purpose: what is allocated per write goes through the processor's caches beside the payload.
 */
export class PendingWrite {
  readonly #data: Uint8Array | readonly Uint8Array[]
  /** None of them is empty. */
  readonly segmentCount: number
  readonly bytes: number
  /** Position in the order of calls; a datagram that has to be tried again goes back to its place. */
  readonly sequence: number
  /** Stream: bytes the kernel has queued. */
  sentBytes = 0
  /** Stream: where the unsent part begins. */
  segmentIndex = 0
  segmentOffset = 0
  /** Zero-copy was refused for want of memory: copy from now on. */
  mustCopy = false
  /** Neighbours in the queue; undefined at its ends, and outside of it. */
  next: PendingWrite | undefined
  previous: PendingWrite | undefined
  /** Set for a turn: bytes of the socket's own that leave by another way, at this place in the order. It begins them. */
  readonly turn: (() => void) | undefined

  /** Undefined while nobody was promised an answer, see {@link answer}. */
  #resolve: ((sent: SentWrite) => void) | undefined
  #reject: ((error: ZeroCopyError) => void) | undefined
  #failure: ZeroCopyError | undefined
  #settled = false
  /** No further message will be made of it. */
  #ended = false
  #messagesInFlight = 0
  /** Whether the kernel copied any byte of it; undefined while it has said nothing of any. */
  #copied: boolean | undefined
  #outcome: ReleaseOutcome | undefined
  #released: Promise<ReleaseOutcome> | undefined
  #resolveReleased: ((outcome: ReleaseOutcome) => void) | undefined
  #stopWatching: (() => void) | undefined

  /**
   * @param data - as `toSegments` answers
   * @param bytes - all of them
   * @param sequence - position in the order of calls
   * @param turn - see {@link turn}
   */
  constructor(data: Uint8Array | readonly Uint8Array[], bytes: number, sequence: number, turn?: () => void) {
    this.#data = data
    this.segmentCount = Array.isArray(data) ? data.length : bytes > 0 ? 1 : 0
    this.bytes = bytes
    this.sequence = sequence
    this.turn = turn
  }

  /** Segment `index` of {@link segmentCount}. */
  segment(index: number): Uint8Array {
    return Array.isArray(this.#data) ? (this.#data[index] as Uint8Array) : (this.#data as Uint8Array)
  }

  /** A promise of the outcome. Once, and instead of {@link answer}. */
  promise(): Promise<SentWrite> {
    const promise = new Promise<SentWrite>(catchFunctions)
    this.#resolve = caughtResolve
    this.#reject = caughtReject
    return promise
  }

  /**
   * The outcome where it is known by now, else a promise of it. Once.
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

  /** Rejects the promise; `ended` false where the rest will still be sent (an aborted signal on a stream). */
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

  /** The kernel has some of it, or may. What was submitted and wholly refused is not. */
  get begun(): boolean {
    return this.sentBytes > 0 || this.#messagesInFlight > 0
  }

  messageSubmitted(): void {
    this.#messagesInFlight++
  }

  /** @param copied - undefined: the kernel took nothing of that message */
  messageReleased(copied: boolean | undefined): void {
    this.#messagesInFlight--
    if (copied !== undefined) this.#copied = this.#copied === true || copied
    this.#settleReleased()
  }

  /** The writer gives up waiting for the kernel. */
  abandon(): void {
    if (this.#outcome === undefined) this.#decide('abandoned')
  }

  /** What {@link released} has settled with, or undefined. */
  get outcome(): ReleaseOutcome | undefined {
    return this.#outcome
  }

  /** Made when it is asked for: most callers that reuse no buffer never do. */
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
