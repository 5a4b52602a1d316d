import type { InspectOptions } from 'node:util'
import type { BackendName, SocketKind } from '../driver/driver.js'
import { ZeroCopyError } from '../errors.js'
import type { FileSource, SentWrite, WriteData, WriteFileOptions, WriteOptions, WriterStats, ZeroCopyWriter } from '../writer.js'
import { abortedEnding, drainTimeoutEnding, type Ending, SOCKET_CLOSED, SOCKET_RESET, WRITER_CLOSED } from './endings.js'
import type { ResolvedWriterOptions } from './options.js'
import type { SendingHalf } from './sending-half.js'

/** Time, in ms, from the first look at undelivered bytes to the second; each later pause is twice as long, up to the second bound. */
const FIRST_DELIVERY_CHECK_MS = 1
const MAX_DELIVERY_CHECK_MS = 64

/** The face of a sending half that the caller of `openWriter` holds. This face ends the half. */
export class SocketWriter implements ZeroCopyWriter {
  readonly choice: string
  readonly #half: SendingHalf
  readonly #options: ResolvedWriterOptions
  readonly #onReset: () => void
  #closed: Promise<void> | undefined
  #ended: Promise<Error | undefined> | undefined
  #resolveEnded: ((error: Error | undefined) => void) | undefined
  /** Set once the half has ended: {@link ended} resolves with its `error`. */
  #end: { error: Error | undefined } | undefined

  /** @param onReset - runs when this writer has aborted the connection */
  constructor(half: SendingHalf, options: ResolvedWriterOptions, choice: string, onReset: () => void) {
    this.#half = half
    this.#onReset = onReset
    this.#options = options
    this.choice = choice
  }

  get backend(): BackendName {
    return this.#half.driver.backend
  }

  get kind(): SocketKind {
    return this.#half.driver.kind
  }

  write(data: WriteData, options?: WriteOptions): Promise<SentWrite> {
    return this.#half.write(data, options)
  }

  writeFile(file: FileSource, options?: WriteFileOptions): Promise<SentWrite> {
    return this.#half.writeFile(file, options)
  }

  stats(): WriterStats {
    return this.#half.stats()
  }

  get ended(): Promise<Error | undefined> {
    this.#ended ??=
      this.#end !== undefined
        ? Promise.resolve(this.#end.error)
        : new Promise((resolve) => {
            this.#resolveEnded = resolve
          })
    return this.#ended
  }

  /** The half accepts no more writes: `error` where the connection failed, undefined where somebody closed it. */
  setEnded(error: Error | undefined): void {
    if (this.#end !== undefined) return
    this.#end = { error }
    this.#resolveEnded?.(error)
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

  /** `console.log(writer)` shows this text. */
  [Symbol.for('nodejs.util.inspect.custom')](
    depth: number,
    options: InspectOptions,
    inspect: (value: unknown, options: InspectOptions) => string,
  ) {
    if (depth < 0) return '[ZeroCopyWriter]'
    const state = this.#end === undefined ? 'open' : (this.#end.error?.message ?? 'closed')
    return `ZeroCopyWriter ${inspect({ choice: this.choice, kind: this.kind, state, ...this.stats() }, options)}`
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  /**
   * The caller's own socket was closed under the writer: the kernel delivers the bytes that it has, and the writer sends no more. Where accepted
   * bytes will never be sent, the peer gets a reset behind the sent bytes, instead of an end that looks complete.
   * @param reset - the socket was closed by a reset: no further byte is delivered
   * @param error - the error that the socket was destroyed with
   */
  socketClosed(reset: boolean, error?: Error): void {
    this.setEnded(error)
    const ending = reset ? SOCKET_RESET : withCause(SOCKET_CLOSED, error)
    if (reset) {
      void this.#abortConnection(ending)
      return
    }
    if (this.#half.hasQueued || this.#half.ending === undefined) this.#half.discard(ending)
    // Nobody awaits this promise: each write has reported a failure to drain.
    this.close().catch(() => undefined)
  }

  async #drainAndClose(): Promise<void> {
    this.#half.end(WRITER_CLOSED)
    const { drainTimeoutMs } = this.#options
    const deadlineMs = performance.now() + drainTimeoutMs
    if (await this.#half.idle(drainTimeoutMs)) {
      if (!this.#half.truncated) return this.#half.closeDriver()
      await this.#delivered(deadlineMs)
      return this.#reset()
    }
    if (this.#half.isClosed) return
    const ending = drainTimeoutEnding(drainTimeoutMs, this.#half.driver.kind, this.#half.driver.failure?.())
    await this.#abortConnection(ending)
    throw new ZeroCopyError(ending.code, ending.message, ending.init)
  }

  /** Resolves when the peer has acknowledged everything that the kernel took, or at the deadline. */
  async #delivered(deadlineMs: number): Promise<void> {
    const { driver } = this.#half
    for (let waitMs = FIRST_DELIVERY_CHECK_MS; !this.#half.isClosed && performance.now() < deadlineMs; waitMs *= 2) {
      if ((driver.undeliveredBytes?.() ?? 0) === 0) return
      await new Promise((resolve) => setTimeout(resolve, Math.min(waitMs, MAX_DELIVERY_CHECK_MS)))
    }
  }

  async #abortConnection(ending: Ending): Promise<void> {
    if (this.#half.isClosed) return
    this.#half.discard(ending)
    await this.#reset()
  }

  async #reset(): Promise<void> {
    if (this.#half.isClosed) return
    this.#half.driver.abort()
    this.#onReset()
    await this.#half.idle(this.#options.abortGraceMs)
    this.#half.closeDriver()
  }
}

function withCause(ending: Ending, cause: Error | undefined): Ending {
  return cause === undefined ? ending : { ...ending, init: { ...ending.init, cause } }
}
