import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { createRequire } from 'node:module'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { z } from 'zod'
import { BenchFailure, ExitStatus, messageOf } from '../cli/failure.js'

/** How long, in ms, the process may take to listen. */
const START_TIMEOUT_MS = 20_000

/** @internal */
export const responderOptionsSchema = z.strictObject({
  host: z.string(),
  /** 0 = the kernel chooses. */
  port: z.int().min(0).max(65_535),
  /** null = not pinned. */
  cpu: z.int().nonnegative().nullable(),
})

/** Where a responder listens. */
export type ResponderOptions = z.infer<typeof responderOptionsSchema>

const responderMessageSchema = z.union([z.strictObject({ host: z.string(), port: z.int() }), z.strictObject({ error: z.string() })])

/** Message of the responder process to its parent. @internal */
export type ResponderMessage = z.infer<typeof responderMessageSchema>

/** A process that answers every request of `bench rpc` with two bytes. Ends with its parent. */
export class RpcResponder implements AsyncDisposable {
  readonly host: string
  readonly port: number
  readonly pid: number
  readonly #child: ChildProcess

  private constructor(child: ChildProcess, host: string, port: number) {
    this.#child = child
    this.pid = child.pid ?? -1
    this.host = host
    this.port = port
  }

  /**
   * Starts it and waits until it listens.
   * @throws BenchFailure when it cannot listen, or took longer than {@link START_TIMEOUT_MS}
   */
  static async start(options: ResponderOptions): Promise<RpcResponder> {
    const { main, execArgv } = responderEntry()
    const child = fork(main, [JSON.stringify(options)], { execArgv, serialization: 'json', stdio: ['ignore', 'ignore', 'inherit', 'ipc'] })
    try {
      const signal = AbortSignal.timeout(START_TIMEOUT_MS)
      const ended = once(child, 'exit', { signal }).then(() => ({ error: 'its process ended' }))
      const [message] = await Promise.race([once(child, 'message', { signal }), ended.then((one) => [one] as unknown[])])
      const told = responderMessageSchema.parse(message)
      if ('error' in told) throw new BenchFailure(`Cannot answer requests on ${options.host} port ${options.port}: ${told.error}`)
      return new RpcResponder(child, told.host, told.port)
    } catch (error) {
      child.kill('SIGKILL')
      throw error instanceof BenchFailure
        ? error
        : new BenchFailure(`The responder did not start: ${messageOf(error)}`, ExitStatus.Failed, error)
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    const ended = once(this.#child, 'exit')
    if (this.#child.connected) this.#child.disconnect()
    else this.#child.kill('SIGKILL')
    await ended
  }
}

/** Compiled code starts the compiled process; the tests of this workspace start its source. */
function responderEntry(): { main: string; execArgv: string[] } {
  const isSource = import.meta.url.endsWith('.ts')
  const main = fileURLToPath(new URL(isSource ? './rpc-responder-main.ts' : './rpc-responder-main.js', import.meta.url))
  if (!isSource) return { main, execArgv: [] }
  const tsx = pathToFileURL(createRequire(import.meta.url).resolve('tsx/esm')).href
  return { main, execArgv: ['--conditions=@sendzc/source', '--import', tsx] }
}
