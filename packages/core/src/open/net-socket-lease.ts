import type { Socket } from 'node:net'
import type { OwnWay } from '../driver/driver.js'
import { ZeroCopyError } from '../errors.js'
import { type Ending, SOCKET_CLOSED } from '../writer/endings.js'
import type { PendingWrite } from '../writer/pending-write.js'
import type { SendingHalf } from '../writer/sending-half.js'
import { inThisContext } from './async-context.js'
import { socketError } from './socket-error.js'
import { type BufferedChunk, type ShellTenant, SocketShell, type WriteCallback } from './socket-shell.js'

/** Properties of Node's socket that a lease reads, besides the methods. */
type LeasedSocket = Socket & {
  readonly _writableState: { readonly length: number }
  resetAndClosing?: boolean
  readonly _handle?: { hasRef?: () => boolean } | null
}

/** Events of the lease, for the opener of the writer. */
export interface LeaseEvents {
  /** `socket.end()` was called. */
  onEnd: () => void
  /** The socket is being destroyed. */
  onDestroy: (reset: boolean, error: Error | undefined) => void
}

/** Chunks of one `_write` or `_writev` that wait for their turn. */
interface Waiting {
  chunks: BufferedChunk[]
  callback: WriteCallback
}

/**
 * Stands between a `net.Socket` and its handle while a writer is open on it. Reading stays Node's. A chunk that anybody writes to the socket
 * leaves in its turn: in the order of the calls among the writer's own, by Node's own way, with Node's callback, backpressure and errors.
 * Node's stream buffers new chunks while a chunk is under way. So the lease takes the place in the order when `write()` is called, and uses
 * that place when the stream hands the chunk over.
 *
 * `end()` keeps its meaning: the FIN is the last turn. That turn fails where the half is truncated, so that no peer takes a part for the whole.
 */
export class NetSocketLease implements ShellTenant {
  readonly #socket: LeasedSocket
  readonly #half: SendingHalf
  readonly #events: LeaseEvents
  readonly #shell: SocketShell
  readonly #ownWay: OwnWay | undefined
  /** Places taken by `write()` for chunks that Node's stream still holds. */
  #turns: PendingWrite[] = []
  /** The place whose turn has come before its chunk was handed over, for example on a corked socket. */
  #begun: PendingWrite | undefined
  #waiting: Waiting | undefined
  #finals: (() => void)[] = []
  #handedOver = false
  #ended = false

  /** @param ownWay - the socket's own way, where the driver of `half` sends by it */
  constructor(socket: Socket, half: SendingHalf, events: LeaseEvents, ownWay: OwnWay | undefined) {
    this.#ownWay = ownWay
    this.#socket = socket as LeasedSocket
    this.#half = half
    this.#events = events
    this.#shell = SocketShell.around(socket)
    this.#shell.tenant = this
    if (this.#socket._handle?.hasRef?.() === false) half.driver.unref?.()
  }

  get queuedBytes(): number {
    return this.#half.queuedBytes
  }

  get acceptedBytes(): number {
    // Bytes of the chunks that wait here, between Node's stream and its handle.
    const waiting = this.#waiting?.chunks.reduce((sum, each) => sum + byteLength(each), 0) ?? 0
    // The handle also counts the bytes that the driver handed to the socket's own way.
    return waiting + this.#half.acceptedBytes - (this.#ownWay?.handedBytes ?? 0)
  }

  /** Gives the sending half back. */
  giveBack(): void {
    if (this.#ended) return
    this.#ended = true
    const waiting = this.#waiting
    this.#waiting = undefined
    this.#turns = []
    this.#shell.vacate()
    if (waiting !== undefined && !this.#socket.destroyed) this.#handOver(waiting.chunks, waiting.callback)
    for (const final of this.#finals.splice(0)) final()
  }

  write(...args: unknown[]): boolean {
    const { _writableState: state } = this.#socket
    const { length } = state
    this.#handedOver = false
    const result = this.#shell.methods.write.apply(this.#socket, args)
    // The stream holds the chunk back: its place in the order is taken now.
    if (!this.#handedOver && !this.#ended && state.length > length) this.#turns.push(this.#takeTurn())
    return result
  }

  end(...args: unknown[]): Socket {
    const result = this.#shell.methods.end.apply(this.#socket, args)
    this.#events.onEnd()
    return result
  }

  ref(): Socket {
    this.#half.driver.ref?.()
    return this.#shell.methods.ref.call(this.#socket)
  }

  unref(): Socket {
    this.#half.driver.unref?.()
    return this.#shell.methods.unref.call(this.#socket)
  }

  _write(chunk: BufferedChunk['chunk'], encoding: string, callback: WriteCallback): void {
    this.#take([{ chunk, encoding }], callback)
  }

  _writev(chunks: BufferedChunk[], callback: WriteCallback): void {
    this.#take([...chunks], callback)
  }

  #takeTurn(): PendingWrite {
    return this.#half.turns.take(() => this.#turnBegins(), true)
  }

  /** Node's stream hands over one or more chunks. It hands over the next chunk only after `callback`. */
  #take(chunks: BufferedChunk[], callback: WriteCallback): void {
    this.#handedOver = true
    const places = chunks.filter(({ chunk }) => chunk.length > 0).length
    // An empty chunk has no place: only its callback matters, behind the callbacks of earlier chunks.
    if (places === 0 || this.#half.isClosed) {
      this.#handOver(chunks, callback)
      return
    }
    if (this.#turns.length === 0 && this.#half.turns.isFree) {
      this.#pass(chunks, callback)
      return
    }
    // `write()` has taken places for its chunks. The chunk of `end(chunk)`, the last, gets its place here.
    while (this.#turns.length < places) this.#turns.push(this.#takeTurn())
    this.#waiting = { chunks, callback: inThisContext('SENDZC_TURN', callback) }
    if (this.#turns[0] === this.#begun) this.#turnBegins()
  }

  /** Hands chunks straight to Node while no write of the writer is under way. The writer waits where the socket can't take the chunks at once. */
  #pass(chunks: BufferedChunk[], callback: WriteCallback): void {
    let turn: PendingWrite | undefined
    let done = false
    this.#handOver(chunks, (error) => {
      done = true
      if (turn !== undefined) this.#half.turns.end(turn)
      callback(error)
    })
    if (!done && !this.#half.isClosed) turn = this.#half.turns.begun()
  }

  #turnBegins(): void {
    const turn = this.#turns[0]
    if (turn === undefined) return
    const waiting = this.#waiting
    if (waiting === undefined) {
      this.#begun = turn
      return
    }
    this.#begun = undefined
    // Chunks whose places lie side by side leave in one call.
    const run: PendingWrite[] = []
    const chunks: BufferedChunk[] = []
    let place: PendingWrite | undefined = turn
    for (let [chunk] = waiting.chunks; chunk !== undefined; [chunk] = waiting.chunks) {
      if (chunk.chunk.length > 0) {
        if (place === undefined || place !== this.#turns[0]) break
        run.push(place)
        this.#turns.shift()
        place = place.next
      }
      chunks.push(chunk)
      waiting.chunks.shift()
    }
    this.#handOver(chunks, (error) => {
      const isLast = waiting.chunks.length === 0
      if (isLast || error != null) this.#waiting = undefined
      for (const each of run.reverse()) this.#half.turns.end(each)
      if (isLast || error != null) waiting.callback(error)
    })
  }

  #handOver(chunks: BufferedChunk[], callback: WriteCallback): void {
    const { _write, _writev } = this.#shell.methods
    const [first] = chunks as [BufferedChunk]
    if (chunks.length === 1) _write.call(this.#socket, first.chunk, first.encoding, callback)
    else
      _writev.call(this.#socket, Object.assign(chunks, { allBuffers: chunks.every(({ chunk }) => chunk instanceof Uint8Array) }), callback)
  }

  _final(callback: WriteCallback): void {
    const proceed = (): void => {
      if (this.#half.truncated) callback(truncatedError(this.#half.ending))
      else this.#shell.methods._final.call(this.#socket, callback)
    }
    if (this.#half.isClosed) {
      proceed()
      return
    }
    // Runs once: at the turn or at the end of the lease, whichever comes first.
    let done = false
    const once = (): void => {
      if (done) return
      done = true
      proceed()
    }
    this.#finals.push(once)
    const turn = this.#half.turns.take(() => {
      this.#half.turns.end(turn)
      once()
    }, false)
  }

  _destroy(error: Error | null, callback: WriteCallback): void {
    // The handle closes with the socket, and nothing of ours stays behind to tell the peer that bytes are missing.
    if (this.#ownWay !== undefined && this.#half.queuedBytes > 0) this.#socket.resetAndClosing = true
    const reset = this.#socket.resetAndClosing === true
    this.#shell.methods._destroy.call(this.#socket, error, callback)
    const waiting = this.#waiting
    this.#waiting = undefined
    this.#turns = []
    this.#events.onDestroy(reset, error ?? undefined)
    waiting?.callback(error ?? new Error('The socket was destroyed before these bytes were sent.'))
  }
}

function byteLength({ chunk, encoding }: BufferedChunk): number {
  return typeof chunk === 'string' ? Buffer.byteLength(chunk, encoding as BufferEncoding) : chunk.length
}

function truncatedError(ending: Ending | undefined): Error {
  const { code, message, init } = ending ?? SOCKET_CLOSED
  return socketError(new ZeroCopyError(code, message, init))
}
