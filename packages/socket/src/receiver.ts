import { type ChildProcess, fork } from 'node:child_process'
import { ZeroCopyError } from '@sendzc/core'
import { parseOptions } from '@sendzc/core/driver'
import { z } from 'zod'
import { receiverEntry } from './receiver-entry.js'
import {
  errorFromMessage,
  type ReceiverAnswer,
  type ReceiverReport,
  type ReceiverRequest,
  type ReceiverTarget,
  receiverAnswerSchema,
  receiverTargetSchema,
} from './receiver-messages.js'
import { type ReceiverOptions, type ResolvedReceiverOptions, receiverOptionsSchema, SOCKET_LIMITS } from './socket-spec.js'

/** Bytes of the process's stderr that are kept, the last ones, for the error that reports its end. */
const MAX_STDERR_BYTES = 4_096

const waitOptionsSchema = z.strictObject({
  /** How long, in ms, to wait. */
  waitTimeoutMs: z.int().min(1).max(SOCKET_LIMITS.receiverTimeoutMs).default(30_000),
})
/** Options of {@link Receiver.waitFor}. */
export type WaitOptions = z.input<typeof waitOptionsSchema>

type RequestBody = ReceiverRequest extends infer R ? (R extends ReceiverRequest ? Omit<R, 'id'> : never) : never

interface Pending {
  resolve: (answer: ReceiverAnswer) => void
  reject: (error: ZeroCopyError) => void
}

/** How a receiver process ended. */
export interface ReceiverExit {
  code: number | null
  signal: NodeJS.Signals | null
}

function forkMain(): ChildProcess {
  const { main, execArgv } = receiverEntry()
  return fork(main, [], { execArgv, serialization: 'json', stdio: ['ignore', 'ignore', 'pipe', 'ipc'] })
}

/**
 * A process that receives: a test peer, and the other end of a benchmark. Its address space, its CPU time and its crash are its own.
 * It ends with its parent. Made by {@link startReceiver}.
 */
export class Receiver implements AsyncDisposable {
  /** Settles, never rejects, when the process has ended. */
  readonly exited: Promise<ReceiverExit>
  readonly pid: number
  readonly #options: ResolvedReceiverOptions
  readonly #child: ChildProcess
  readonly #pending = new Map<number, Pending>()
  #nextId = 1
  #stderr = ''
  #ended: ReceiverExit | undefined
  #stopping: Promise<ReceiverReport> | undefined
  #address: { host: string; port: number } = { host: '', port: 0 }

  private constructor(child: ChildProcess, options: ResolvedReceiverOptions) {
    this.#child = child
    this.#options = options
    this.pid = child.pid ?? -1
    this.exited = new Promise((resolve) => {
      const end = (exit: ReceiverExit) => {
        this.#ended ??= exit
        for (const { reject } of this.#pending.values()) reject(this.#endedError())
        this.#pending.clear()
        resolve(this.#ended)
      }
      child.once('exit', (code, signal) => end({ code, signal }))
      child.on('error', (error) => {
        this.#stderr += error.message
        // Only a process that never began has no exit of its own.
        if (child.pid === undefined) end({ code: null, signal: null })
      })
    })
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr = (this.#stderr + text).slice(-MAX_STDERR_BYTES)
    })
    child.on('message', (message) => this.#onMessage(message))
  }

  /** @internal */
  static async start(options: ResolvedReceiverOptions): Promise<Receiver> {
    const receiver = new Receiver(forkMain(), options)
    try {
      const answer = await receiver.#request({ type: 'start', options }, options.startTimeoutMs, 'startTimeoutMs')
      if (answer.type === 'started') receiver.#address = answer.address
      return receiver
    } catch (error) {
      await receiver.kill()
      throw error
    }
  }

  /** Where it receives: a numeric address, the context id of VSOCK, or the interface of PACKET. */
  get host(): string {
    return this.#address.host
  }

  /** The port, also where the kernel chose it; 0 where the protocol has none. */
  get port(): number {
    return this.#address.port
  }

  /** Asks for the counts so far. */
  report(): Promise<ReceiverReport> {
    return this.#command('report')
  }

  /** Stops reading (and accepting): the sender meets a full receive buffer, then a closed window. */
  pause(): Promise<ReceiverReport> {
    return this.#command('pause')
  }

  /** Reads again. */
  resume(): Promise<ReceiverReport> {
    return this.#command('resume')
  }

  /** Resets every open connection (SO_LINGER of zero: TCP sends RST). */
  reset(): Promise<ReceiverReport> {
    return this.#command('reset')
  }

  /**
   * Waits until every count in `target` is reached. One call at a time.
   * @throws ZeroCopyError ERR_ZC_LIMIT after waitTimeoutMs, with what has been received; ERR_ZC_CLOSED when the process ends
   */
  async waitFor(target: ReceiverTarget, options: WaitOptions = {}): Promise<ReceiverReport> {
    const { waitTimeoutMs } = parseOptions(waitOptionsSchema, options, 'waitFor')
    const parsed = parseOptions(receiverTargetSchema, target, 'waitFor')
    try {
      return reportIn(await this.#request({ type: 'wait', target: parsed }, waitTimeoutMs, 'waitTimeoutMs'))
    } catch (error) {
      if (!ZeroCopyError.is(error) || error.errno !== 'ETIMEDOUT') throw error
      const { bytes, datagrams, connectionsAccepted, connectionsClosed, connectionsReset } = await this.#command('cancel-wait')
      const found = { bytes, datagrams, connectionsAccepted, connectionsEnded: connectionsClosed + connectionsReset }
      throw new ZeroCopyError(
        'ERR_ZC_LIMIT',
        `Failed to receive ${JSON.stringify(target)} within waitTimeoutMs (${waitTimeoutMs} ms): got ${JSON.stringify(found)}.`,
        { errno: 'ETIMEDOUT', cause: error },
      )
    }
  }

  /**
   * Reads what has arrived, reports, and ends the process. Idempotent.
   * @throws ZeroCopyError ERR_ZC_LIMIT after stopTimeoutMs (the process is killed then); ERR_ZC_CLOSED where it had ended before
   */
  stop(): Promise<ReceiverReport> {
    this.#stopping ??= this.#stop()
    return this.#stopping
  }

  /** Ends the process at once by SIGKILL; resolves when it has ended. The kernel closes its sockets. */
  async kill(): Promise<ReceiverExit> {
    if (this.#ended === undefined) this.#child.kill('SIGKILL')
    return this.exited
  }

  /** Stops; kills where stopping fails. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#ended !== undefined) return
    // A caller who wants the report, or the failure, calls stop().
    await this.stop().catch(() => this.kill())
  }

  async #stop(): Promise<ReceiverReport> {
    const { stopTimeoutMs } = this.#options
    const deadline = performance.now() + stopTimeoutMs
    try {
      const report = reportIn(await this.#request({ type: 'stop' }, stopTimeoutMs, 'stopTimeoutMs'))
      this.#child.disconnect()
      await this.#exitBy(deadline)
      return report
    } catch (error) {
      await this.kill()
      throw error
    }
  }

  async #exitBy(deadline: number): Promise<void> {
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<never>((_, reject) => {
      const error = new ZeroCopyError('ERR_ZC_LIMIT', 'The receiver did not end within stopTimeoutMs.', { errno: 'ETIMEDOUT' })
      timer = setTimeout(() => reject(error), Math.max(0, deadline - performance.now()))
    })
    await Promise.race([this.exited, late]).finally(() => clearTimeout(timer))
  }

  async #command(type: 'report' | 'pause' | 'resume' | 'reset' | 'cancel-wait'): Promise<ReceiverReport> {
    return reportIn(await this.#request({ type }, this.#options.commandTimeoutMs, 'commandTimeoutMs'))
  }

  #request(body: RequestBody, timeoutMs: number, timeoutName: string): Promise<ReceiverAnswer> {
    const id = this.#nextId++
    return new Promise<ReceiverAnswer>((resolve, reject) => {
      if (this.#ended !== undefined || !this.#child.connected) return reject(this.#endedError())
      const fail = (code: 'ERR_ZC_LIMIT' | 'ERR_ZC_CLOSED', message: string, errno?: string) => {
        clearTimeout(timer)
        this.#pending.delete(id)
        reject(new ZeroCopyError(code, message, { errno }))
      }
      const timer = setTimeout(
        () => fail('ERR_ZC_LIMIT', `The receiver did not answer to ${body.type} within ${timeoutName} (${timeoutMs} ms).`, 'ETIMEDOUT'),
        timeoutMs,
      )
      this.#pending.set(id, {
        resolve: (answer) => {
          clearTimeout(timer)
          if (answer.type === 'failed') reject(errorFromMessage(answer.error))
          else resolve(answer)
        },
        reject: (error) => {
          clearTimeout(timer)
          reject(error)
        },
      })
      this.#child.send({ ...body, id }, (error) => {
        if (error !== null) fail('ERR_ZC_CLOSED', `The receiver cannot be reached: ${error.message}.`)
      })
    })
  }

  #onMessage(message: unknown): void {
    const parsed = receiverAnswerSchema.safeParse(message)
    if (!parsed.success) {
      this.#stderr += `An answer of the receiver is malformed: ${parsed.error.message}`
      this.#child.kill('SIGKILL')
      return
    }
    // An answer that comes after its time-out has no one waiting.
    this.#pending.get(parsed.data.id)?.resolve(parsed.data)
    this.#pending.delete(parsed.data.id)
  }

  #endedError(): ZeroCopyError {
    const { code = null, signal = null } = this.#ended ?? {}
    const how = this.#ended === undefined ? 'was stopped' : signal === null ? `ended with code ${code}` : `was ended by ${signal}`
    const said = this.#stderr.trim() === '' ? '' : ` It said: ${this.#stderr.trim()}`
    return new ZeroCopyError('ERR_ZC_CLOSED', `The receiver process ${how}.${said}`)
  }
}

function reportIn(answer: ReceiverAnswer): ReceiverReport {
  if (answer.type === 'report') return answer.report
  throw new ZeroCopyError('ERR_ZC_SYSTEM', `The receiver answered ${answer.type} to a request for a report.`)
}

/**
 * Starts a process that receives over TCP, UDP, RAW, PACKET or VSOCK, and waits until it does. RAW and PACKET need CAP_NET_RAW.
 * @returns a receiver that the caller stops (or `await using`)
 * @throws ZeroCopyError ERR_ZC_INVALID_OPTION; those of {@link listen} and {@link bindSocket}, from the process; ERR_ZC_LIMIT after startTimeoutMs;
 *   ERR_ZC_CLOSED where the process ends before it is ready
 */
export async function startReceiver(options: ReceiverOptions): Promise<Receiver> {
  return Receiver.start(parseOptions(receiverOptionsSchema, options, 'startReceiver'))
}
