import { type ReleaseOutcome, ZeroCopyError, type ZeroCopyErrorCode } from '../errors.js'
import { socketError } from '../open/socket-error.js'
import type { BufferedChunk, SocketMethods, WriteCallback } from '../open/socket-shell.js'
import { clock } from '../writer/clock.js'
import { SOCKET_CLOSED, SOCKET_RESET } from '../writer/endings.js'
import type { PendingWrite } from '../writer/pending-write.js'
import type { SendingHalf } from '../writer/sending-half.js'
import type { Way } from '../writer/way.js'
import { noteSent, noteShared } from './body-watch.js'
import { CallbackOrder } from './callback-order.js'
import { DeliveryMeter } from './delivery.js'
import { type OwnPathCause, stats, tellLeft } from './diagnostics.js'
import { type Gathered, gather, isLarge } from './gather.js'
import { pinnableBytes } from './memlock.js'
import { type InnerSocket, isHopeless, openHalf, wayOf } from './open-half.js'
import { type Idling, noteClosed, noteOpen } from './open-sharings.js'
import type { ResolvedZeroCopyOptions } from './options.js'
import { recentlyPinnedBytes } from './process-memory.js'
import { resetConnection } from './reset-connection.js'
import { isContractBroken, WriteWitness } from './write-witness.js'

/** The methods of a socket beneath the layer. */
export interface BaseMethods extends SocketMethods {
  _writeGeneric(writev: boolean, data: BufferedChunk['chunk'] | BufferedChunk[], encoding: string, callback: WriteCallback): unknown
}

/**
 * Stands in a socket from its first large chunk on.
 *
 * Invariants. (1) Node's stream makes the next call of `_writeGeneric` only after the callback of the last one, and that callback comes when
 * everything is sent. So the stream's queue is the only one, and a chunk that takes Node's own path in between keeps its place. (2) The
 * program's callbacks, and 'finish', wait in {@link CallbackOrder} for the release of the memory that was shared before them. (3) The sharing
 * throws no error into the program: a chunk that can't be shared takes Node's own path.
 */
export class SocketSharing implements Idling {
  readonly #socket: InnerSocket
  readonly #base: BaseMethods
  readonly #options: ResolvedZeroCopyOptions
  readonly #order = new CallbackOrder()
  readonly #witness: WriteWitness | undefined
  #way: Way | undefined
  #half: SendingHalf | undefined
  /** The write that the stream waits for. */
  #unsent: PendingWrite | undefined
  #isLeft = false
  #isYielding = false
  #isUsed = false
  #pinnedBytes = 0
  #meter: DeliveryMeter | undefined
  /** Time of the look since which the peer has made no progress, though it holds memory. */
  #stalledSinceMs: number | undefined
  /** Chunks that the program has given to the stream, and chunks that the stream has handed over. */
  #writtenChunks = 0
  #handedChunks = 0
  /** Bytes that were handed to the half instead of to Node's handle. */
  dispatchedBytes = 0

  constructor(socket: InnerSocket, base: BaseMethods, options: ResolvedZeroCopyOptions) {
    this.#socket = socket
    this.#base = base
    this.#options = options
    // The program wrote the chunks that the stream buffers now before the counting began.
    this.#handedChunks = -((socket as InnerSocket & { writableBuffer?: readonly unknown[] }).writableBuffer?.length ?? 0)
    if (options.verify) this.#witness = new WriteWitness()
  }

  /** @param below - the function whose caller writes */
  write(chunk: unknown, encoding: unknown, callback: unknown, below: (...args: never[]) => unknown): boolean {
    const [given, done] = typeof encoding === 'function' ? [undefined, encoding] : [encoding, callback]
    this.announce(chunk, below)
    return this.#base.write.call(this.#socket, chunk, given, typeof done === 'function' ? this.#inOrder(done as WriteCallback) : done)
  }

  /** A chunk is on its way to the stream. */
  announce(chunk: unknown, below: (...args: never[]) => unknown): void {
    this.#writtenChunks++
    if (this.#witness !== undefined && isLarge(chunk, this.#options.minSharedBytes)) this.#witness.announce(chunk as Uint8Array, below)
  }

  #inOrder(callback: WriteCallback): WriteCallback {
    const place = this.#writtenChunks
    return (...args) => this.#order.run(() => callback(...args), place)
  }

  /** Node's stream hands over one chunk, or several. */
  take(writev: boolean, data: BufferedChunk['chunk'] | BufferedChunk[], encoding: string, callback: WriteCallback): unknown {
    const chunks = writev ? (data as BufferedChunk[]) : [{ chunk: data as BufferedChunk['chunk'], encoding }]
    const socket = this.#socket
    // While the socket connects, Node's own method waits, and then calls `take` again.
    if (socket.connecting) return this.#base._writeGeneric.call(socket, writev, data, encoding, callback)
    const from = this.#handedChunks + 1
    this.#handedChunks += chunks.length
    const isReady = socket._handle != null
    const gathered = isReady && chunks.some(({ chunk }) => isLarge(chunk, this.#options.minSharedBytes)) ? this.#gather(chunks) : undefined
    const half = gathered === undefined ? undefined : this.#openHalf()
    const write = half === undefined ? undefined : this.#submit(half, gathered as Gathered)
    if (write === undefined) return this.#base._writeGeneric.call(socket, writev, data, encoding, callback)
    return this.#await(write, gathered as Gathered, from, callback)
  }

  /** The segments to share; undefined where sharing is not worth it, or impossible. */
  #gather(chunks: readonly BufferedChunk[]): Gathered | undefined {
    const { demoteAfterCopied, maxPinnedBytes, maxPinnedBytesPerSocket, minSharedBytes } = this.#options
    if (this.#isLeft || isContractBroken() || isHopeless(this.#options)) return this.#ownPath('left')
    if (this.#isYielding) return this.#ownPath('busy')
    this.#way ??= wayOf(this.#socket)
    const way = this.#way
    if (way.isResting(demoteAfterCopied)) {
      way.sendsUntilRetry--
      return this.#ownPath('copies')
    }
    const pinnedBytes = Math.max(stats.pinnedBytes, recentlyPinnedBytes())
    if (pinnedBytes >= maxPinnedBytes || this.#pinnedBytes >= maxPinnedBytesPerSocket) return this.#ownPath('pinned')
    const gathered = gather(chunks, minSharedBytes)
    if (gathered === undefined) return this.#ownPath('memory')
    // The kernel would refuse this message, and whoever else pins memory meanwhile.
    return gathered.sharedBytes > pinnableBytes() ? this.#ownPath('pinned') : gathered
  }

  #ownPath(cause: OwnPathCause): undefined {
    stats.ownPath[cause]++
    return undefined
  }

  #openHalf(): SendingHalf | undefined {
    if (this.#half !== undefined) return this.#half
    try {
      this.#half = openHalf(this.#socket, this.#options, this.#way as Way, () => {
        this.#half = undefined
        noteClosed(this)
      })
      this.#meter = new DeliveryMeter(this.#socket)
      noteOpen(this, this.#options.idleCloseMs)
      return this.#half
    } catch (error) {
      const { code, message } = ZeroCopyError.is(error) ? error : ({ code: 'ERR_ZC_SYSTEM', message: String(error) } as const)
      if (code === 'ERR_ZC_SOCKET_OWNED') return this.#ownPath('busy')
      this.leave(code, message)
      return this.#ownPath('left')
    }
  }

  /** The socket is left as it was from now on. */
  leave(code: ZeroCopyErrorCode, message: string): void {
    this.#isLeft = true
    tellLeft(this.#socket, code, message)
  }

  #submit(half: SendingHalf, { segments, bytes }: Gathered): PendingWrite | undefined {
    this.#isUsed = true
    try {
      const write = half.writeNow(segments)
      this.#socket._pendingData = null
      this.#socket._pendingEncoding = ''
      this.#socket._unrefTimer()
      this.dispatchedBytes += bytes
      stats.sharedWrites++
      stats.sharedBytes += bytes
      return write
    } catch {
      // The half took no byte. Where the connection is broken, Node's own path reports the error.
      return this.#ownPath('left')
    }
  }

  /** Waits for a write to be sent, and then for its release. */
  #await(write: PendingWrite, { shared, sharedBytes }: Gathered, from: number, callback: WriteCallback): void {
    const check = this.#witness?.observe(shared)
    const release = this.#holdUntilReleased(sharedBytes, from, check)
    noteShared(shared, write)
    const sent = (): void => {
      this.#unsent = undefined
      noteSent(shared)
      if (write.outcome !== undefined) release(write.outcome)
      else void write.released.then(release)
      callback()
    }
    if (write.settled) {
      try {
        void write.answer()
      } catch (error) {
        this.#failed(error as ZeroCopyError, release, callback)
        return
      }
      sent()
      return
    }
    this.#unsent = write
    // The next tick runs the callback outside of the promise's task: an error that the callback throws is an uncaught exception, as ever.
    write.promise().then(
      () => process.nextTick(sent),
      (error: ZeroCopyError) => process.nextTick(() => this.#failed(error, release, callback)),
    )
  }

  #holdUntilReleased(bytes: number, from: number, check: (() => void) | undefined): (outcome: ReleaseOutcome) => void {
    const held = this.#order.hold(from)
    stats.pinnedBytes += bytes
    this.#pinnedBytes += bytes
    return (outcome) => {
      stats.outcomes[outcome]++
      // The kernel still holds abandoned memory: the callbacks that wait for it never run.
      if (outcome === 'abandoned') return
      stats.pinnedBytes -= bytes
      this.#pinnedBytes -= bytes
      check?.()
      this.#order.release(held)
    }
  }

  #failed(error: ZeroCopyError, release: (outcome: ReleaseOutcome) => void, callback: WriteCallback): void {
    this.#unsent = undefined
    if (error.released === undefined) release('copied')
    else void error.released.then(release)
    // Node calls back without an error for the bytes that a destroyed socket had under way.
    if (this.#socket.destroyed) {
      callback(null)
      return
    }
    // The callbacks of the program come before 'error'. A broken connection lets go of the memory at once; otherwise `abortGraceMs` ends the wait.
    let told = false
    const tell = (): void => {
      if (told) return
      told = true
      clearTimeout(timer)
      callback(this.#socket.destroyed ? null : socketError(error))
    }
    const timer = setTimeout(tell, this.#options.abortGraceMs)
    this.#order.run(tell)
  }

  final(callback: WriteCallback): void {
    this.#base._final.call(this.#socket, (error) => {
      if (error != null) callback(error)
      else this.#order.run(() => callback())
    })
  }

  destroy(error: Error | null, callback: WriteCallback): void {
    const isReset = this.#socket.resetAndClosing === true
    const half = this.#half
    // Both descriptors have the same connection: either can reset it.
    if (half !== undefined && isReset) half.driver.abort()
    this.#base._destroy.call(this.#socket, error, callback)
    if (half === undefined) return
    // Bytes that nobody waits for let the process end, as Node's own bytes do.
    if (this.#unsent === undefined && !this.#order.isAwaited) half.driver.unref?.()
    half.discard(isReset ? SOCKET_RESET : SOCKET_CLOSED)
    void this.#letGo(half, isReset)
  }

  async #letGo(half: SendingHalf, isReset: boolean): Promise<void> {
    const { drainTimeoutMs, abortGraceMs } = this.#options
    if (!isReset && !(await idleWithin(half, drainTimeoutMs)) && !half.isClosed) half.driver.abort()
    await idleWithin(half, abortGraceMs)
    half.closeDriver()
  }

  /** Bytes of shared writes that the kernel has taken. */
  get takenBytes(): number {
    return this.dispatchedBytes - (this.#half?.queuedBytes ?? 0)
  }

  /** Bytes that the peer has acknowledged since the beginning of the connection; undefined where that is unknown. */
  get acknowledgedBytes(): number | undefined {
    return this.#half?.driver.acknowledgedBytes?.()
  }

  /** Whether the sharing has a descriptor of the socket. {@link yieldSocket} gives that descriptor up. */
  get isOpen(): boolean {
    return this.#half !== undefined
  }

  /** Lets go of the socket for an explicit writer, once everything is released. */
  async yieldSocket(): Promise<void> {
    if (this.#half === undefined) return
    this.#isYielding = true
    try {
      const { drainTimeoutMs } = this.#options
      if (!(await idleWithin(this.#half, drainTimeoutMs))) {
        throw new ZeroCopyError('ERR_ZC_DRAIN_TIMEOUT', `The socket still shares memory after ${drainTimeoutMs} ms (drainTimeoutMs).`)
      }
      this.#half?.closeDriver()
    } finally {
      this.#isYielding = false
    }
  }

  look(): void {
    this.#resetIfHeld(clock.now())
    const isIdle = !this.#isUsed && this.#unsent === undefined && this.#order.isEmpty && !this.#socket.destroyed
    this.#isUsed = false
    if (isIdle) this.#half?.closeDriver()
  }

  /** A peer that acknowledges nothing must not keep memory for ever. */
  #resetIfHeld(nowMs: number): void {
    const { maxHoldMs } = this.#options
    const isProgress = this.#meter?.progress() !== 0
    if (this.#order.isEmpty || isProgress || this.#stalledSinceMs === undefined) {
      this.#stalledSinceMs = this.#order.isEmpty ? undefined : nowMs
    } else if (maxHoldMs > 0 && nowMs - this.#stalledSinceMs >= maxHoldMs) resetConnection(this.#socket, 'held')
  }

  ref(): void {
    this.#half?.driver.ref?.()
  }

  unref(): void {
    this.#half?.driver.unref?.()
  }
}

/** Whether a half becomes idle, with an empty queue and no message in flight, before the time is up. The wait keeps no event loop alive. */
async function idleWithin(half: SendingHalf, limitMs: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined
  const timeUp = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(false), limitMs).unref()
  })
  const isIdle = await Promise.race([half.idle(Number.POSITIVE_INFINITY), timeUp])
  clearTimeout(timer)
  return isIdle
}
