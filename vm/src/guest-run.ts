import { type ChildProcess, spawn } from 'node:child_process'
import { copyFileSync, mkdirSync, readFileSync, realpathSync } from 'node:fs'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { setTimeout as delay } from 'node:timers/promises'
import type { GuestOptions } from './arguments.js'
import { cacheRoot } from './cache-folder.js'
import { MarkedChannel } from './channel-end.js'
import { cleanUpOnSignal, endingWithParent, killGroup } from './child-command.js'
import { VmError } from './errors.js'
import { buildInit } from './kernel-build.js'
import { explainingLines, panicReason } from './kernel-log.js'
import { type Accelerator, consoleLogName, lateProcessors, qemuArguments } from './machine-model.js'
import { NetworkNamespace } from './network-namespace.js'
import { fillRunFolder, makeRunFolder, removeRunFolder } from './run-folder.js'

/** Limits from QEMU's start to the command's start, for the plain and the debug kernel. */
export const bootTimeoutMs = { plain: 300_000, debug: 600_000 } as const
/** How long the output may take to arrive after the command ended; background processes may hold it open. */
export const outputDrainTimeoutMs = 10_000
/** How long QEMU may take to end when asked; then it is killed and has as long again. */
const quitTimeoutMs = 5_000
/** Characters of QEMU's own messages that are kept. */
const maxQemuMessages = 8_192

/** A reason that the guest itself gives begins so, and needs no console to be understood. */
const guestReason = 'in the guest: '

/** One boot and one command. */
export interface GuestRun {
  readonly guest: GuestOptions
  readonly accelerator: Accelerator
  readonly kernelImage: string
  readonly argv: readonly string[]
  /** Writable in the guest; must exist. */
  readonly outputFolder: string
  /** Host folders that the command needs besides the checkout. */
  readonly folders?: readonly string[]
  readonly environment?: readonly (readonly [name: string, value: string])[]
  /** Gets the command's output as it comes. */
  readonly onStdout: (bytes: Buffer) => void
  readonly onStderr: (bytes: Buffer) => void
  /** Instead of {@link bootTimeoutMs}. */
  readonly bootLimitMs?: number
}

/** The end of a command in the guest. */
export interface GuestOutcome {
  /** Exit status; `undefined` when the command outlasted its limit. */
  readonly status: number | undefined
  /** The whole kernel log of this boot. */
  readonly kernelLog: string
  /** From QEMU's start to the command's start. */
  readonly bootMs: number
  /** Whether the output's end was seen; a background process of the command may hold it open. */
  readonly outputComplete: boolean
}

/** A guest that ended otherwise than by its command's end, with what its kernel said. */
export class GuestFailure extends VmError {
  /** The whole kernel log of this boot. */
  readonly kernelLog: string

  constructor(message: string, kernelLog: string) {
    super(message)
    this.name = 'GuestFailure'
    this.kernelLog = kernelLog
  }
}

/** QEMU's process with its three channels. */
class Guest {
  readonly #child: ChildProcess
  readonly #stdout: MarkedChannel
  readonly #stderr: MarkedChannel
  readonly #startedMs = performance.now()
  #messages = ''
  #control = ''
  #timer: NodeJS.Timeout | undefined
  #bootMs = 0
  #status: number | undefined
  #settled = false
  readonly #finish: (outcome: 'exited' | 'timeout' | string) => void
  /** Resolves with how it ended; a text that is neither word is the reason of a failure. */
  readonly ended: Promise<string>

  constructor(child: ChildProcess, endMark: string, run: GuestRun) {
    this.#child = child
    this.#stdout = new MarkedChannel(endMark, run.onStdout)
    this.#stderr = new MarkedChannel(endMark, run.onStderr)
    let resolveEnded: (reason: string) => void = () => undefined
    this.ended = new Promise((resolve) => {
      resolveEnded = resolve
    })
    this.#finish = (outcome) => {
      if (this.#settled) return
      this.#settled = true
      clearTimeout(this.#timer)
      resolveEnded(outcome)
    }
    this.#listen(run)
  }

  get status(): number | undefined {
    return this.#status
  }

  get outputComplete(): boolean {
    return this.#stdout.ended && this.#stderr.ended
  }

  get bootMs(): number {
    return this.#bootMs
  }

  #limit(ms: number, outcome: string): void {
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => this.#finish(outcome), ms)
  }

  #listen(run: GuestRun): void {
    const [, , messages, control, stdout, stderr] = this.#child.stdio as unknown as Readable[]
    const bootMs = run.bootLimitMs ?? (run.guest.debug ? bootTimeoutMs.debug : bootTimeoutMs.plain)
    this.#limit(bootMs, `the guest did not start its command within ${bootMs / 1000} s`)
    messages?.setEncoding('utf8').on('data', (text: string) => {
      this.#messages = (this.#messages + text).slice(-maxQemuMessages)
    })
    control?.setEncoding('utf8').on('data', (text: string) => {
      const lines = (this.#control + text).split('\n')
      this.#control = lines.pop() ?? ''
      for (const line of lines) this.#controlLine(line, run.guest.timeoutS * 1000)
    })
    for (const [stream, channel] of [
      [stdout, this.#stdout],
      [stderr, this.#stderr],
    ] as const) {
      stream?.on('data', (bytes: Buffer) => {
        channel.push(bytes)
        this.#checkDrained()
      })
    }
    // A reset connection is QEMU's end, which is reported by itself.
    for (const stream of [messages, control, stdout, stderr]) stream?.on('error', () => undefined)
    this.#child.on('error', (error) => this.#finish(`QEMU does not start: ${error.message}`))
    this.#child.on('close', (status, signal) => {
      const how = signal !== null ? `by ${signal}` : `with status ${status}`
      this.#finish(`QEMU ended ${how} before the command did${this.#messages === '' ? '' : `: ${this.#messages.trim()}`}`)
    })
  }

  #controlLine(line: string, timeoutMs: number): void {
    const [word, ...rest] = line.split(' ')
    if (word === 'up') {
      this.#bootMs = performance.now() - this.#startedMs
      this.#limit(timeoutMs, 'timeout')
    } else if (word === 'fail') this.#finish(rest.join(' '))
    else if (word === 'exit') {
      this.#status = Number(rest[0])
      this.#limit(outputDrainTimeoutMs, 'exited')
      this.#checkDrained()
    }
  }

  #checkDrained(): void {
    if (this.#status !== undefined && this.outputComplete) this.#finish('exited')
  }

  /** Ends QEMU and waits for that. */
  async quit(): Promise<void> {
    this.#stdout.flush()
    this.#stderr.flush()
    if (this.#child.exitCode !== null || this.#child.signalCode !== null || this.#child.pid === undefined) return
    const gone = new Promise((resolve) => this.#child.once('exit', () => resolve(true)))
    for (const end of [() => this.#child.kill('SIGTERM'), () => killGroup(this.#child)]) {
      end()
      if (await Promise.race([gone, delay(quitTimeoutMs, false, { ref: false })])) return
    }
    console.error(`vm: QEMU (process ${this.#child.pid}) does not end even when killed`)
  }
}

function start(args: readonly string[], namespace: NetworkNamespace | undefined): ChildProcess {
  const inside = namespace === undefined ? [] : ['ip', 'netns', 'exec', namespace.name]
  // The guest ends itself when its control channel closes; the signal also ends one whose kernel hangs.
  const argv = [...endingWithParent('KILL'), ...inside, 'qemu-system-x86_64', ...args]
  return spawn(argv[0] as string, argv.slice(1), {
    stdio: ['ignore', 'ignore', 'pipe', 'pipe', 'pipe', 'pipe'],
    detached: true,
  })
}

function readLog(runFolder: string): string {
  try {
    return readFileSync(join(runFolder, consoleLogName), 'latin1')
  } catch {
    return ''
  }
}

function failure(reason: string, kernelLog: string, runFolder: string): GuestFailure {
  if (reason.startsWith(guestReason)) return new GuestFailure(`vm: ${reason}`, kernelLog)
  const panic = panicReason(kernelLog)
  const head = panic === undefined ? reason : `the guest's kernel panicked: ${panic}`
  if (kernelLog === '') return new GuestFailure(`vm: ${head} (its console said nothing)`, kernelLog)
  const folder = join(cacheRoot(), 'logs')
  mkdirSync(folder, { recursive: true })
  const kept = join(folder, 'last-failure-console.log')
  copyFileSync(join(runFolder, consoleLogName), kept)
  const lines = explainingLines(kernelLog).map((line) => `  ${line}`)
  return new GuestFailure(`vm: ${head}\nthe guest's console:\n${lines.join('\n')}\nthe whole console log: ${kept}`, kernelLog)
}

/**
 * Boots the guest and runs one command in it. Everything made for it on the host is gone afterwards, also
 * when the harness is told to end.
 *
 * @throws GuestFailure when the guest did not boot, panicked or could not be set up
 * @throws VmError when the host lacks something
 */
export async function runInGuest(run: GuestRun): Promise<GuestOutcome> {
  const runFolder = makeRunFolder()
  let namespace: NetworkNamespace | undefined
  let child: ChildProcess | undefined
  const cleanUp = () => {
    if (child !== undefined) killGroup(child)
    namespace?.remove()
    removeRunFolder(runFolder)
  }
  const forget = cleanUpOnSignal(cleanUp)
  try {
    const init = await buildInit()
    const outputFolder = realpathSync(run.outputFolder)
    const endMark = fillRunFolder({
      runFolder,
      outputFolder,
      folders: run.folders ?? [],
      environment: [...(run.environment ?? []), ...run.guest.environment],
      guest: run.guest,
      lateProcessors: lateProcessors(run.guest.cpus, run.accelerator),
      argv: run.argv,
    })
    if (run.guest.net) namespace = NetworkNamespace.create()
    const machine = {
      accelerator: run.accelerator,
      kernelImage: run.kernelImage,
      runFolder,
      init,
      outputFolder,
      channels: { control: 3, stdout: 4, stderr: 5 },
    }
    child = start(qemuArguments(run.guest, machine), namespace)
    const guest = new Guest(child, endMark, run)
    const ended = await guest.ended
    await guest.quit()
    const kernelLog = readLog(runFolder)
    if (ended !== 'exited' && ended !== 'timeout') throw failure(ended, kernelLog, runFolder)
    const status = ended === 'exited' ? guest.status : undefined
    return { status, kernelLog, bootMs: guest.bootMs, outputComplete: guest.outputComplete }
  } finally {
    cleanUp()
    forget()
  }
}
