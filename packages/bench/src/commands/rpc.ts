import { Socket } from 'node:net'
import { AUTO_DEFAULTS, openWriter } from '@sendzc/core'
import { openSocket } from '@sendzc/socket'
import { BACKENDS, type BackendLabel, familyOf, type OwnCell } from '../cells/cell.js'
import type { Command } from '../cli/command.js'
import { COMMON_OPTIONS, type OptionValues, read, withDefault } from '../cli/command-line.js'
import { BenchFailure, ExitStatus, type ExitStatusCode } from '../cli/failure.js'
import { congestionOption, type Destination } from '../ends/connect.js'
import { congestionText, type SocketSettings, socketSettings } from '../ends/socket-settings.js'
import { STALL_TIMEOUT_MS } from '../loads/load.js'
import { latencyQuantilesOf } from '../loads/open-loop.js'
import { writerTotals } from '../loads/writer-totals.js'
import { backendFor, probeBackends, selectBackends } from '../machine/backends.js'
import { chooseProcessors, pinSender } from '../machine/processors.js'
import { seededRandom } from '../numbers/random.js'
import { type Row, RPC_WORKLOADS, type RpcWorkload } from '../record/record.js'
import { RpcClient } from '../rpc/rpc-client.js'
import { MAX_REQUEST_BYTES } from '../rpc/rpc-frame.js'
import { RpcResponder } from '../rpc/rpc-responder.js'
import { measureRounds } from '../run/measure-rounds.js'
import { measuredRow } from '../run/measured-row.js'
import { RunRecord } from '../run/run-record.js'
import { readRequest } from '../run/run-request.js'
import type { TurnsOutcome } from '../run/turns.js'
import { rpcTables } from '../tables/rpc-table.js'

/** The slides' sizes. About two minutes with two backends. */
const DEFAULTS = { small: '2', large: '98K', thresholds: '0,10K,never', runtimeMs: 400, rounds: 9 } as const

/** Transports of this command: calls need a stream. */
const RPC_TRANSPORTS = ['tcp4', 'tcp6'] as const

/** Backends whose writer asks for zero-copy as the threshold says; `auto` decides for itself. */
const RPC_BACKENDS = BACKENDS.filter((backend) => backend !== 'copy')

/** Threshold of a writer that never asks for zero-copy, in bytes: above any request. */
const NEVER_BYTES = Number.MAX_SAFE_INTEGER

/** Connecting, closing, in ms; only the progress bar uses it. */
const OVERHEAD_MS = 20

/** Reads `0,10K,never`: bytes, null = never. */
const thresholds = read.wholes(0, MAX_REQUEST_BYTES, true)
const thresholdList = read.path.transform((text, context): (number | null)[] => {
  const words = text.split(',').map((word) => word.trim())
  const numbers = words.filter((word) => word !== 'never').join(',')
  const parsed = numbers === '' ? [] : thresholds.safeParse(numbers).data
  if (parsed !== undefined) return [...parsed, ...(words.includes('never') ? [null] : [])]
  context.addIssue(`"${text}" is not a list of bytes (K and M allowed) and "never"`)
  return []
})

/** Options of `bench rpc`. */
export const RPC_OPTIONS = {
  transports: {
    value: 'LIST',
    help: `out of ${RPC_TRANSPORTS.join(',')} (default tcp4)`,
    schema: read.words(RPC_TRANSPORTS).prefault('tcp4'),
  },
  backends: {
    value: 'LIST',
    help: `out of ${RPC_BACKENDS.join(',')} (default: what works here)`,
    schema: read.words(RPC_BACKENDS).optional(),
  },
  thresholds: {
    value: 'LIST',
    help: `minZerocopyBytes of the writer: bytes, or never (default ${DEFAULTS.thresholds}); auto keeps its own`,
    schema: thresholdList.prefault(DEFAULTS.thresholds),
  },
  small: {
    value: 'BYTES',
    help: `of a small request (default ${DEFAULTS.small})`,
    schema: read.whole(1, MAX_REQUEST_BYTES, true).prefault(DEFAULTS.small),
  },
  large: {
    value: 'BYTES',
    help: `of a large request (default ${DEFAULTS.large})`,
    schema: read.whole(1, MAX_REQUEST_BYTES, true).prefault(DEFAULTS.large),
  },
  'runtime-ms': withDefault(COMMON_OPTIONS['runtime-ms'], DEFAULTS.runtimeMs),
  rounds: withDefault(COMMON_OPTIONS.rounds, DEFAULTS.rounds),
  json: COMMON_OPTIONS.json,
  resume: COMMON_OPTIONS.resume,
  to: { ...COMMON_OPTIONS.to, help: 'call `bench serve --rpc` on another machine' },
  cpus: COMMON_OPTIONS.cpus,
  congestion: COMMON_OPTIONS.congestion,
  seed: COMMON_OPTIONS.seed,
}

type RpcOptions = OptionValues<typeof RPC_OPTIONS>

/** A workload under a policy. */
interface RpcCell extends OwnCell {
  workload: RpcWorkload
  /** minZerocopyBytes of the writer; null = never. `auto` keeps its own. */
  thresholdBytes: number | null
  level: 'writer'
}

/** What the cells share. */
interface RpcContext {
  destinations: ReadonlyMap<RpcCell['transport'], Destination>
  settings: SocketSettings
  options: Pick<RpcOptions, 'small' | 'large'>
  seed: number
}

/** Every combination of what was asked for. */
export function rpcCells(
  options: Pick<RpcOptions, 'transports' | 'thresholds' | 'small' | 'large'>,
  backends: readonly BackendLabel[],
): RpcCell[] {
  return options.transports.flatMap((transport) =>
    RPC_WORKLOADS.flatMap((workload) =>
      backends.flatMap((backend) => {
        const policies = backend === 'auto' ? [AUTO_DEFAULTS.minZerocopyBytes] : options.thresholds
        return policies.map((thresholdBytes): RpcCell => {
          const sizeBytes = workload === 'small' ? options.small : options.large
          const variant = `${workload}, zero-copy ${thresholdBytes === null ? 'never' : `from ${thresholdBytes} bytes`}`
          return { transport, backend, level: 'writer', interval: 1, sizeBytes, workload, thresholdBytes, variant }
        })
      }),
    ),
  )
}

async function rpc(args: readonly string[]): Promise<ExitStatusCode> {
  const request = await readRequest('rpc', args, RPC_OPTIONS)
  const { options } = request
  if (options.small > options.large) throw new BenchFailure(`--small: ${options.small} bytes are more than --large (${options.large}).`)
  const probes = probeBackends(RPC_BACKENDS)
  const { backends, notes } = selectBackends(options.backends, probes, RPC_BACKENDS)
  const processors = await chooseProcessors(options.cpus)
  const settings = await socketSettings(options.congestion)
  const run = await RunRecord.begin({
    request,
    options: { ...options, backends, nodelay: true, ...settings },
    processors,
    remoteHost: options.to?.host ?? null,
    probes,
  })
  run.note(congestionText(settings), ...notes)
  await using responders = await Responders.start(options, processors.receiver)
  pinSender(processors)
  const context = { destinations: responders.destinations, settings, options, seed: run.seed }
  const outcome = await measureRpc(rpcCells(options, backends), options, run, context)
  const path = await run.write(outcome.complete)
  const lines = [
    'Calls one after the other over one connection: a request of so many bytes and its header, an answer of 2 bytes. µs/call: wall clock, median',
    'over the rounds ± half the distance between the quartiles. Change: wall clock per call against never asking for zero-copy on the same path',
    '(auto: on the first one), median of the ratios paired by round, with its bootstrap 95 % interval. Slides: that of their TensorFlow benchmark.',
    'CPU: user and kernel mode of the calling process (getrusage). Copied: share of the messages that were copied.',
    ...rpcTables(run.rows),
    '',
    ...run.notes,
    'Mixed: as many small requests as large ones, in random order, the same for every path of a round. TCP_NODELAY: on.',
    `${options.rounds} rounds of ${options['runtime-ms']} ms per cell. Seed ${run.seed}. Record: ${path}`,
  ]
  process.stdout.write(`${lines.join('\n')}\n`)
  return outcome.complete ? ExitStatus.Ok : ExitStatus.Interrupted
}

/** The processes that answer, or the one of another machine. */
class Responders implements AsyncDisposable {
  readonly destinations = new Map<RpcCell['transport'], Destination>()
  readonly #own: RpcResponder[] = []

  static async start(options: Pick<RpcOptions, 'transports' | 'to'>, cpu: number | null): Promise<Responders> {
    const responders = new Responders()
    for (const transport of options.transports) {
      if (options.to !== undefined) {
        responders.destinations.set(transport, options.to)
        continue
      }
      const responder = await RpcResponder.start({ host: familyOf(transport) === 6 ? '::1' : '127.0.0.1', port: 0, cpu })
      responders.#own.push(responder)
      responders.destinations.set(transport, responder)
    }
    return responders
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#own.map((one) => one[Symbol.asyncDispose]()))
  }
}

async function measureRpc(cells: readonly RpcCell[], options: RpcOptions, run: RunRecord, context: RpcContext): Promise<TurnsOutcome> {
  return measureRounds(cells, run, {
    rounds: options.rounds,
    groupOf: ({ transport, workload }) => `${transport} ${workload}`,
    runtimeMs: options['runtime-ms'],
    overheadMs: OVERHEAD_MS,
    warmups: cells.filter(({ workload }) => workload === 'mixed').map((cell) => ({ cell, round: 0 })),
    measure: (cell, round, position, runtimeMs) => runCalls(cell, round, position, runtimeMs, context),
  })
}

async function runCalls(cell: RpcCell, round: number, position: number, runtimeMs: number, context: RpcContext): Promise<Row> {
  const destination = context.destinations.get(cell.transport)
  if (destination === undefined) throw new TypeError(`No responder for ${cell.transport}.`)
  const { host, port } = destination
  const opened = await openSocket({
    protocol: 'tcp',
    family: familyOf(cell.transport),
    host,
    port,
    noDelay: true,
    ...congestionOption(context.settings),
  })
  const socket = new Socket({ fd: opened.release() })
  try {
    const { backend, interval, thresholdBytes } = cell
    const policy = backend === 'auto' ? {} : { minZerocopyBytes: thresholdBytes ?? NEVER_BYTES }
    const writer = await openWriter(socket, { backend: backendFor(backend, interval), ...policy })
    const client = new RpcClient(socket, writer, context.options)
    const calls = await callFor(client, sizesOf(cell, round, context), runtimeMs)
    await client.drain()
    const stats = writer.stats()
    await client.close()
    const { us, large, ...measured } = calls
    const of = (wanted: boolean): number[] => us.filter((_, at) => large[at] === wanted)
    return {
      ...measuredRow(cell, round, position, { ...measured, ...writerTotals(measured, stats) }),
      rpc: {
        workload: cell.workload,
        thresholdBytes,
        smallBytes: context.options.small,
        largeBytes: context.options.large,
        small: of(false).length === 0 ? null : latencyQuantilesOf(of(false)),
        large: of(true).length === 0 ? null : latencyQuantilesOf(of(true)),
      },
    }
  } finally {
    socket.destroy()
  }
}

/** True for each large request, without an end: the same for every path of a round. */
function* sizesOf({ workload }: RpcCell, round: number, { seed }: RpcContext): Generator<boolean, never> {
  const random = seededRandom(seed + round)
  for (;;) yield workload === 'mixed' ? random() < 0.5 : workload === 'large'
}

interface Calls {
  /** Of each call, in microseconds. */
  us: number[]
  /** Whether it was a large one. */
  large: boolean[]
  sends: number
  bytes: number
  seconds: number
  cpuUserUs: number
  cpuSystemUs: number
}

async function callFor(client: RpcClient, sizes: Generator<boolean, never>, runtimeMs: number): Promise<Calls> {
  const us: number[] = []
  const large: boolean[] = []
  let bytes = 0
  // One for all calls: a timer per call would cost more than a small call's own work.
  let answeredMs = performance.now()
  const watchdog = setInterval(() => {
    if (performance.now() - answeredMs > STALL_TIMEOUT_MS) client.giveUp()
  }, STALL_TIMEOUT_MS / 4)
  try {
    const cpuBefore = process.cpuUsage()
    const beginMs = performance.now()
    const endMs = beginMs + runtimeMs
    for (let now = beginMs; now < endMs; now = answeredMs) {
      const isLarge = sizes.next().value
      const size = isLarge ? client.largeBytes : client.smallBytes
      answeredMs = await client.call(size)
      us.push((answeredMs - now) * 1_000)
      large.push(isLarge)
      bytes += size
    }
    const cpu = process.cpuUsage(cpuBefore)
    return { us, large, sends: us.length, bytes, seconds: (answeredMs - beginMs) / 1_000, cpuUserUs: cpu.user, cpuSystemUs: cpu.system }
  } finally {
    clearInterval(watchdog)
  }
}

/** `bench rpc`. */
export const rpcCommand: Command = {
  about: "The slides' RPC benchmark: calls with small and with large requests and a mix of both, with fixed thresholds and with auto.",
  options: RPC_OPTIONS,
  run: rpc,
}
