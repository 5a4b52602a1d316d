import type { Socket } from 'node:net'
import type { ReleaseOutcome, ZeroCopyWriter } from '@sendzc/core'
import { BenchFailure, ExitStatus, messageOf } from '../cli/failure.js'
import { makePayloads } from '../ends/payload.js'
import { STALL_TIMEOUT_MS } from '../loads/load.js'
import { ANSWER_BYTES, requestHeader } from './rpc-frame.js'

/** Buffers that a client uses in turn: the kernel holds a buffer for a moment after its answer has come. */
const BUFFERS = 4

/** Calls one after the other over one connection, each answered before the next is made, from buffers that are used again when released. */
export class RpcClient {
  /** Size of a small request, in bytes. */
  readonly smallBytes: number
  readonly largeBytes: number
  readonly #socket: Socket
  readonly #writer: ZeroCopyWriter
  readonly #buffers = new Map<number, Uint8Array[]>()
  readonly #headers = new Map<number, Uint8Array>()
  readonly #released: (Promise<ReleaseOutcome> | undefined)[] = new Array<undefined>(BUFFERS).fill(undefined)
  #turn = 0
  #missingBytes = 0
  #answered: (() => void) | undefined
  #failed: ((error: Error) => void) | undefined
  #failure: Error | undefined

  /**
   * @param socket - connected; stays the caller's
   * @param writer - on that socket; closed by {@link close}
   * @param sizes - of the two kinds of request
   */
  constructor(socket: Socket, writer: ZeroCopyWriter, { small, large }: { small: number; large: number }) {
    this.smallBytes = small
    this.largeBytes = large
    this.#socket = socket
    this.#writer = writer
    const largest = makePayloads(BUFFERS, large)
    for (const size of [small, large]) {
      this.#buffers.set(
        size,
        largest.map((buffer) => buffer.subarray(0, size)),
      )
      this.#headers.set(size, requestHeader(size))
    }
    socket.on('data', (piece) => this.#onAnswer(piece.byteLength))
    socket.on('error', (error) => this.#fail(error))
    socket.on('end', () => this.#fail(new Error('the responder closed the connection')))
  }

  /**
   * Makes one call.
   * @param sizeBytes - of the request, one of those that the client was made for
   * @returns when the answer is there, in ms of `performance.now()`
   * @throws BenchFailure when the connection breaks, or no answer comes within {@link STALL_TIMEOUT_MS}
   */
  async call(sizeBytes: number): Promise<number> {
    const slot = this.#turn
    this.#turn = (slot + 1) % BUFFERS
    await this.#released[slot]
    const header = this.#headers.get(sizeBytes)
    const payload = this.#buffers.get(sizeBytes)?.[slot]
    if (header === undefined || payload === undefined) throw new RangeError(`The client was not made for ${sizeBytes} bytes.`)
    const answered = new Promise<number>((resolve, reject) => {
      this.#answered = () => resolve(performance.now())
      this.#failed = reject
    })
    // The rejection is handled below; until then it must not count as unhandled.
    answered.catch(() => undefined)
    if (this.#failure !== undefined) this.#fail(this.#failure)
    this.#missingBytes += ANSWER_BYTES
    try {
      const { released } = await this.#writer.write([header, payload])
      this.#released[slot] = released
      return await answered
    } catch (error) {
      throw error instanceof BenchFailure ? error : new BenchFailure(`A call failed: ${messageOf(error)}`, ExitStatus.Failed, error)
    }
  }

  /** Ends the waiting call, for the watchdog. */
  giveUp(): void {
    this.#fail(new BenchFailure(`No answer for ${STALL_TIMEOUT_MS / 1_000} s.`, ExitStatus.Failed))
    void this.#writer.abort()
  }

  /** Waits until the kernel references no memory of this client. */
  async drain(): Promise<void> {
    await Promise.all(this.#released)
  }

  /** Lets go of the socket. */
  async close(): Promise<void> {
    this.#socket.removeAllListeners('data').removeAllListeners('end')
    await this.#writer.close()
  }

  #onAnswer(bytes: number): void {
    this.#missingBytes -= bytes
    if (this.#missingBytes === 0) this.#answered?.()
  }

  #fail(error: Error): void {
    this.#failure = error
    this.#failed?.(error)
  }
}
