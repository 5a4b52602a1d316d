import type { OutgoingHttpHeaders, ServerResponse } from 'node:http'
import type { Http2ServerResponse } from 'node:http2'
import type { Socket } from 'node:net'
import type { Backend } from '../driver/driver.js'
import { type ReleaseOutcome, ZeroCopyError } from '../errors.js'
import { isBackend } from '../open/open-writer.js'
import { watchSignal } from '../writer/signal-watch.js'
import { toPendingWrite } from '../writer/write-data.js'
import type { WriteData } from '../writer.js'
import { adopt } from './adopt.js'
import { type AnyResponse, checkResponse, hasBody, headersFor, invalid, isHttp1 } from './body-response.js'
import { BodyWatch } from './body-watch.js'
import { DeliveryMeter } from './delivery.js'
import type { ResetCause } from './diagnostics.js'
import { type ResolvedZeroCopyOptions, resolveZeroCopyOptions } from './options.js'
import { RateWatch } from './rate-watch.js'
import { resetConnection } from './reset-connection.js'
import { isLayered } from './socket-layer.js'

/** Options of `sendBody`. Absent and `undefined` are the same. */
export interface SendBodyOptions {
  /** The notification path: `auto([...])`, `uring()`, `errqueue()`, `inline()`. A socket that `zeroCopy()` has adopted keeps its own. */
  backend: Backend
  /** Status code, 200 to 999. Default the `statusCode` of the response. */
  status?: number | undefined
  /** Further headers; `Content-Length` is computed. */
  headers?: OutgoingHttpHeaders | undefined
  /**
   * Aborted before the response has its turn, it leaves the response as it was. Aborted later, it resets the connection, since a part of a
   * body must not pass for the whole.
   */
  signal?: AbortSignal | undefined
  /** Bytes a second that the peer has to take. A peer below that rate for 10 seconds is reset. 0 = none, the default. */
  minRate?: number | undefined
}

/** A body on its way. */
export interface SentBody {
  /**
   * Resolves with the number of its bytes when the kernel has all of them. Rejects with a ZeroCopyError where the connection ends before
   * (ERR_ZC_CLOSED), the signal is aborted (ERR_ZC_ABORTED), or the peer is slower than `minRate` (ERR_ZC_LIMIT).
   */
  readonly sent: Promise<number>
  /** Settles once and never rejects, when the memory of the body is free; see `SentWrite.released`. */
  readonly released: Promise<ReleaseOutcome>
}

/** Sharing options by the backend of a caller that adopted no server. */
const optionsOf = new WeakMap<Backend, ResolvedZeroCopyOptions>()

/**
 * Answers a request with `body`, whose memory is shared with the kernel: head and body leave in one message, in the turn of the response among
 * those of its connection. The response ends as after `response.end(body)`: 'finish', keep-alive, logs and `writableFinished` are Node's. To HEAD,
 * and with status 204 and 304, only the head is sent. Over TLS and HTTP/2, and with a body below `minSharedBytes`, Node's own path sends.
 * @param body - belongs to the kernel until `released`
 * @throws ZeroCopyError, before anything is changed: ERR_ZC_INVALID_ARGUMENT, ERR_ZC_INVALID_OPTION, ERR_ZC_ABORTED, ERR_ZC_CLOSED,
 *   ERR_ZC_BUFFER_RESIZABLE, ERR_ZC_BUFFER_DETACHED
 */
export function sendBody(response: ServerResponse | Http2ServerResponse, body: WriteData, options: SendBodyOptions): SentBody {
  checkResponse(response)
  const { backend, status = response.statusCode, headers = {}, signal, minRate = 0, ...others } = Object(options) as SendBodyOptions
  if (!isBackend(backend)) throw invalid('it needs a backend, for example { backend: errqueue() }.')
  if (Object.keys(others).length > 0) throw invalid(`there is no option ${Object.keys(others).join(', ')}.`)
  if (!Number.isInteger(status) || status < 200 || status > 999) throw invalid(`status must be 200 to 999, not ${String(status)}.`)
  if (!Number.isFinite(minRate) || minRate < 0) throw invalid(`minRate must be a number of bytes a second, not ${String(minRate)}.`)
  if (signal !== undefined && typeof signal?.addEventListener !== 'function') throw invalid('signal must be an AbortSignal.')
  if (signal?.aborted === true) throw aborted(signal)
  const data = toPendingWrite(body, 0, Number.POSITIVE_INFINITY)
  const allHeaders = headersFor(response, status, headers, data.bytes)
  // A view of its own for each response, so that the watch finds the pieces of this response alone.
  const pieces = Array.from({ length: hasBody(response, status) ? data.segmentCount : 0 }, (_, at) => viewOf(data.segment(at)))
  const watch = new BodyWatch(pieces, data.bytes)
  const sending = new BodySending(response, watch, () => {
    response.writeHead(status, allHeaders)
    for (const piece of pieces) response.write(piece)
    response.end()
  })
  if (isHttp1(response)) sending.share(response.req.socket, backend, minRate)
  sending.begin(signal)
  return { sent: watch.sent, released: watch.released }
}

function viewOf({ buffer, byteOffset, byteLength }: Uint8Array): Buffer {
  return Buffer.from(buffer, byteOffset, byteLength)
}

function aborted({ reason }: AbortSignal): ZeroCopyError {
  return new ZeroCopyError('ERR_ZC_ABORTED', 'The signal of the response was aborted.', { cause: reason })
}

/** Callbacks for the end of a connection: many responses may wait on one, and Node.js warns of a leak from the eleventh listener on. */
const closeCallbacks = new WeakMap<Socket, Set<() => void>>()

function watchClose(socket: Socket, onClose: () => void): () => void {
  const known = closeCallbacks.get(socket)
  const callbacks = known ?? new Set<() => void>()
  if (known === undefined) {
    closeCallbacks.set(socket, callbacks)
    socket.once('close', () => {
      for (const callback of [...callbacks]) callback()
    })
  }
  callbacks.add(onClose)
  return () => callbacks.delete(onClose)
}

/** One response between `sendBody()` and its end. */
class BodySending {
  readonly #response: AnyResponse
  readonly #watch: BodyWatch
  readonly #write: () => void
  #socket: Socket | undefined
  #minRate = 0
  #rate: RateWatch | undefined
  #isBegun = false
  readonly #stops: (() => void)[] = []

  constructor(response: AnyResponse, watch: BodyWatch, write: () => void) {
    this.#response = response
    this.#watch = watch
    this.#write = write
  }

  share(socket: Socket, backend: Backend, minRate: number): void {
    this.#socket = socket
    this.#minRate = minRate
    if (isLayered(socket)) return
    const options = optionsOf.get(backend) ?? resolveZeroCopyOptions({ backend })
    optionsOf.set(backend, options)
    adopt(socket, options)
  }

  begin(signal: AbortSignal | undefined): void {
    const response = this.#response
    // Before the listener of Node.js, which may end the socket. Bytes that a destroyed socket had under way are called back without an error.
    response.prependOnceListener('finish', () => {
      if (this.#socket === undefined || (!this.#socket.destroyed && this.#socket.errored == null)) this.#end(() => this.#watch.finished())
    })
    response.once('close', () => this.#end(() => this.#watch.closed()))
    // A response that waits for its turn hears nothing of its connection's end.
    if (this.#socket !== undefined) this.#stops.push(watchClose(this.#socket, () => this.#end(() => this.#watch.closed())))
    if (signal !== undefined) this.#stops.push(watchSignal(signal, () => this.#aborted(signal)))
    if (isHttp1(response) && response.socket === null) response.once('socket', () => this.#turn())
    else this.#turn()
  }

  #turn(): void {
    if (this.#watch.isSettled) return
    this.#isBegun = true
    const socket = this.#socket
    if (socket !== undefined && this.#minRate > 0) {
      const meter = new DeliveryMeter(socket)
      this.#rate = new RateWatch(
        this.#minRate,
        () => meter.progress(),
        () => this.#tooSlow(),
      )
    }
    try {
      this.#write()
    } catch (cause) {
      // Somebody else gave the response a head while it waited.
      this.#end(() => {
        this.#watch.failed(new ZeroCopyError('ERR_ZC_INVALID_ARGUMENT', 'The response could not be written.', { cause }))
        this.#watch.closed()
      })
    }
  }

  #aborted(signal: AbortSignal): void {
    this.#watch.failed(aborted(signal))
    if (this.#isBegun) this.#reset()
    else this.#end(() => this.#watch.closed())
  }

  #tooSlow(): void {
    this.#watch.failed(
      new ZeroCopyError('ERR_ZC_LIMIT', `The peer takes fewer than ${this.#minRate} bytes a second (minRate).`, {
        remedy: 'Lower minRate for peers that are slow by nature.',
      }),
    )
    this.#reset('slow')
  }

  #reset(cause?: ResetCause): void {
    const socket = this.#socket
    if (socket === undefined) this.#response.destroy()
    else resetConnection(socket, cause)
  }

  #end(how: () => void): void {
    for (const stop of this.#stops.splice(0)) stop()
    this.#rate?.stop()
    how()
  }
}
