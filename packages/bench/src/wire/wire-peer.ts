import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface, type Interface } from 'node:readline'
import { z } from 'zod'
import { BenchFailure, ExitStatus, messageOf } from '../cli/failure.js'
import { SEED_LIMIT } from '../numbers/random.js'
import { mssBytes6, type WireSettings } from '../record/wire-settings.js'
import { WIRE_ADDRESSES, WIRE_DEVICES } from './wire-namespace.js'
import type { WirePrograms } from './wire-programs.js'

/** How long, in ms, the peer may take to be ready, to answer, or to end. */
const ANSWER_TIMEOUT_MS = 10_000

const count = z.int().nonnegative()
const left = z.object({ packets: count, segments: count, payloadBytes: count, dropped: count })

/** What the classifier and the peer counted since they began. */
export const wireStatsSchema = z.object({
  atUs: count,
  cpuUs: count,
  tcp: left,
  udp: left,
  other: left,
  peer: z.object({
    events: count,
    opened: count,
    refused: count,
    resets: count,
    finished: count,
    strays: count,
    newBytes: count,
    resentBytes: count,
    lostSegments: count,
    acks: count,
    hashedPackets: count,
    changedPackets: count,
    changedResent: count,
  }),
  client: z.object({
    connected: count,
    failed: count,
    requests: count,
    responses: count,
    late: count,
    p50Us: z.number(),
    p99Us: z.number(),
  }),
  frames: z.object({ sent: count, failed: count, early: count }),
})

/** See {@link wireStatsSchema}. */
export type WireStats = z.infer<typeof wireStatsSchema>

/** The task of the peer as a client. */
export interface WireClient {
  family: 4 | 6
  /** Port of the program's listener, at the near end of the wire. */
  port: number
  connections: number
  /** Sent on each connection, and again once the response is whole. At most 1,280 bytes. */
  request: string
  /** Bytes of a response. */
  responseBytes: number
  /** Requests a second over all connections; 0 = each as soon as the last is answered. */
  ratePerSecond: number
}

/** How {@link WirePeer.start} starts. */
export interface WirePeerOptions {
  programs: WirePrograms
  settings: WireSettings
  /** CPU of the peer; null = not pinned. */
  cpu: number | null
  /** Seed of `fillPattern` of @sendzc/socket, for whose bytes the peer hashes payloads; without it nothing is hashed. */
  patternSeed?: number
  /** Makes the command line of the peer one that runs in the namespace; without it this process is there. */
  within?: (...command: string[]) => [string, ...string[]]
}

/** The process at the other end of the wire, which ends with this one. */
export class WirePeer implements AsyncDisposable {
  readonly #child: ChildProcess
  readonly #lines: Interface
  readonly #waiting: ((line: string | undefined) => void)[] = []
  #said = ''

  private constructor(child: ChildProcess) {
    this.#child = child
    this.#lines = createInterface({ input: child.stdout as NodeJS.ReadableStream })
    this.#lines.on('line', (line) => this.#waiting.shift()?.(line))
    this.#lines.on('close', () => {
      for (const answer of this.#waiting.splice(0)) answer(undefined)
    })
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#said = (this.#said + text).slice(-2_000)
    })
    // A question to a peer that is gone fails because its answer is missing.
    child.stdin?.on('error', () => undefined)
  }

  /**
   * Puts the classifier on the wire, and settles once the peer answers packets.
   * @throws BenchFailure in one line with cause and remedy
   */
  static async start({
    programs,
    settings,
    cpu,
    patternSeed,
    within = (...command) => command as [string],
  }: WirePeerOptions): Promise<WirePeer> {
    const options: Record<string, string | number> = {
      object: programs.object,
      near: WIRE_DEVICES.near,
      far: WIRE_DEVICES.far,
      near4: WIRE_ADDRESSES.near4,
      far4: WIRE_ADDRESSES.far4,
      near6: WIRE_ADDRESSES.near6,
      far6: WIRE_ADDRESSES.far6,
      'rtt-us': settings.rttUs,
      loss: settings.lossShare,
      'ack-every': settings.ackEverySegments,
      window: settings.windowBytes,
      mss4: settings.mssBytes,
      mss6: mssBytes6(settings),
      seed: Math.floor(Math.random() * SEED_LIMIT),
      ...(cpu === null ? {} : { cpu }),
      ...(patternSeed === undefined ? {} : { verify: patternSeed }),
    }
    const [program, ...args] = within(programs.peer, ...Object.entries(options).flatMap(([name, value]) => [`--${name}`, String(value)]))
    const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'pipe'] })
    const peer = new WirePeer(child)
    const failed = once(child, 'error').then(([error]) => error as unknown)
    const ready = await Promise.race([peer.#answer(), failed.then(() => undefined)])
    if (ready === undefined) {
      const text = peer.#said
      await peer[Symbol.asyncDispose]()
      throw new BenchFailure(failureText(text))
    }
    return peer
  }

  /** @throws BenchFailure when the peer is gone */
  async stats(): Promise<WireStats> {
    const answer = await this.#ask('stats')
    return wireStatsSchema.parse(JSON.parse(answer))
  }

  /**
   * Makes the peer a client, once.
   * @throws BenchFailure when it is one already, or has no room for it
   */
  async connect({ family, port, connections, responseBytes, ratePerSecond, request }: WireClient): Promise<void> {
    const hex = Buffer.from(request).toString('hex')
    const answer = await this.#ask(`connect ${family} ${port} ${connections} ${responseBytes} ${ratePerSecond} ${hex}`)
    if (answer !== '{"connecting":true}')
      throw new BenchFailure('The wire can be the client of one listener, with a request of 1 to 1,280 bytes.')
  }

  /** Stops the process like a machine that hangs: nothing is acknowledged, and packets that leave fill the ring. */
  pause(): void {
    this.#child.kill('SIGSTOP')
  }

  /** Lets the process go on. */
  resume(): void {
    this.#child.kill('SIGCONT')
  }

  /** Ends the process. */
  async [Symbol.asyncDispose](): Promise<void> {
    const child = this.#child
    child.stdin?.end()
    if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return
    const timer = setTimeout(() => child.kill('SIGKILL'), ANSWER_TIMEOUT_MS)
    await once(child, 'exit').finally(() => clearTimeout(timer))
  }

  async #ask(question: string): Promise<string> {
    this.#child.stdin?.write(`${question}\n`)
    const answer = await this.#answer()
    if (answer === undefined) throw new BenchFailure(`The other end of the wire is gone. ${this.#said.trim()}`, ExitStatus.Failed)
    return answer
  }

  /** The next line; undefined when there will be none. */
  #answer(): Promise<string | undefined> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => this.#child.kill('SIGKILL'), ANSWER_TIMEOUT_MS)
      this.#waiting.push((line) => {
        clearTimeout(timer)
        resolve(line)
      })
    })
  }
}

const failureSchema = z.object({ failed: z.string(), errno: z.int(), message: z.string() })

/** The remedy of each step that can fail. */
const REMEDIES: Record<string, string> = {
  'socket(AF_PACKET)': 'it needs CAP_NET_RAW and CONFIG_PACKET',
  'bpf(BPF_PROG_LOAD)':
    'it needs CAP_BPF and CAP_NET_ADMIN outside of a user namespace, and a kernel of 5.17 or later with CONFIG_BPF_SYSCALL',
  clsact: 'the kernel lacks clsact: modprobe sch_ingress (CONFIG_NET_SCH_INGRESS)',
  'attaching the classifier': 'the kernel lacks BPF classifiers: modprobe cls_bpf (CONFIG_NET_CLS_BPF, CONFIG_NET_CLS_ACT)',
}

/** One line out of the peer's output before it ended. */
export function failureText(said: string): string {
  try {
    const { failed, errno, message } = failureSchema.parse(JSON.parse(said.trim().split('\n').at(-1) ?? ''))
    const remedy = REMEDIES[failed]
    return `The wire does not work here: ${failed}: ${message} (errno ${errno})${remedy === undefined ? '' : `; ${remedy}`}.`
  } catch (error) {
    return `The wire does not work here: ${said.trim() === '' ? messageOf(error) : said.trim()}`
  }
}
