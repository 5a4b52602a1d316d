import { openWriter } from '@sendzc/core'
import { MAX_SELFTEST_BYTES, runSelftest, SELFTEST_RUNTIME_MS, unknownCosts } from '../c-programs/selftest-run.js'
import { buildSelftests, type Selftests } from '../c-programs/selftests.js'
import { CELL_LIMITS, type Cell, DEFAULT_SIZE_BYTES, groupKey, isStream, type OwnCell, type Transport } from '../cells/cell.js'
import type { Command } from '../cli/command.js'
import { COMMON_OPTIONS, type OptionValues, read, withDefault } from '../cli/command-line.js'
import { BenchFailure, ExitStatus, type ExitStatusCode } from '../cli/failure.js'
import type { Destination } from '../ends/connect.js'
import { makePayload } from '../ends/payload.js'
import { congestionText, socketSettings } from '../ends/socket-settings.js'
import { closeNode, connectNode, NodeLoad } from '../loads/node-load.js'
import { WriterLoad } from '../loads/writer-load.js'
import { backendFor, probeBackends, selectBackends } from '../machine/backends.js'
import { chooseProcessors, type Processors, pinSender } from '../machine/processors.js'
import type { Row } from '../record/record.js'
import { type CellContext, runCell, thresholdFor } from '../run/cell-runner.js'
import { openEnds } from '../run/ends.js'
import { measure } from '../run/measure.js'
import { measureRounds } from '../run/measure-rounds.js'
import { measuredRow } from '../run/measured-row.js'
import { RunRecord } from '../run/run-record.js'
import { readRequest } from '../run/run-request.js'
import type { TurnsOutcome } from '../run/turns.js'
import { warmupTurns } from '../run/warmup.js'
import { COMPARISONS, compare, peersTable } from '../tables/peers-table.js'
import { type MeasuredCell, measuredOnWire } from '../wire/wire-meter.js'
import { WIRE_OPTIONS, wireOf } from '../wire/wire-options.js'
import { isInside, runInside } from '../wire/wire-run.js'
import { checkDatagramSize } from './sweep.js'

/** Ours run as long as the C programs: a connection begins slowly, and theirs is a new one in each round, too. */
const DEFAULTS = { runtimeMs: SELFTEST_RUNTIME_MS, rounds: 5, intervals: [1, 32] } as const

/** Sizes at which Node's own stream sockets are compared, in bytes: 64 KB and 1 MB. */
const NODE_STREAM_SIZES_BYTES = [65_536, 1_048_576] as const

/** Starting a process and connecting, in ms; only the progress bar uses it. */
const OVERHEAD_MS = 30

/** Options of `bench peers`. */
export const PEERS_OPTIONS = {
  transports: COMMON_OPTIONS.transports,
  backends: COMMON_OPTIONS.backends,
  intervals: {
    ...COMMON_OPTIONS.intervals,
    help: `as for sweep (default ${DEFAULTS.intervals.join(',')})`,
    schema: COMMON_OPTIONS.intervals.schema.prefault(DEFAULTS.intervals.join(',')),
  },
  'runtime-ms': {
    ...COMMON_OPTIONS['runtime-ms'],
    help: `time of one cell of ours in one round (default ${DEFAULTS.runtimeMs}); the C programs always take ${SELFTEST_RUNTIME_MS}`,
    schema: COMMON_OPTIONS['runtime-ms'].schema.prefault(String(DEFAULTS.runtimeMs)),
  },
  rounds: withDefault(COMMON_OPTIONS.rounds, DEFAULTS.rounds),
  levels: COMMON_OPTIONS.levels,
  size: {
    ...COMMON_OPTIONS.size,
    help: `bytes of one send, K and M allowed (default ${DEFAULT_SIZE_BYTES}, and 64K and 1M beside net.Socket.write); the C programs take up to ${MAX_SELFTEST_BYTES}`,
    schema: read.whole(1, CELL_LIMITS.sizeBytes, true).optional(),
  },
  json: COMMON_OPTIONS.json,
  resume: COMMON_OPTIONS.resume,
  to: COMMON_OPTIONS.to,
  ...WIRE_OPTIONS,
  cpus: COMMON_OPTIONS.cpus,
  congestion: COMMON_OPTIONS.congestion,
  seed: COMMON_OPTIONS.seed,
}

type PeersOptions = OptionValues<typeof PEERS_OPTIONS>

/** What a plan of cells is made of. */
type PeerPlan = Pick<PeersOptions, 'transports' | 'intervals' | 'levels' | 'size'>

/** Every cell that a comparison needs, once: ours and theirs, for what works here. */
export function peerCells(options: PeerPlan, works: (ours: OwnCell['backend']) => boolean, selftests: Pick<Selftests, 'ioUring'>): Cell[] {
  const cells = new Map<string, Cell>()
  const add = (cell: Cell): void => void cells.set(JSON.stringify(cell), cell)
  for (const { ours, peer } of COMPARISONS) {
    if (!works(ours.backend) || !options.levels.includes(ours.level)) continue
    if (isSelftest(peer) && (options.size ?? 0) > MAX_SELFTEST_BYTES) continue
    if (peer === 'c-io_uring' && selftests.ioUring === undefined) continue
    for (const transport of options.transports) {
      if (peer === (isStream(transport) ? 'dgram.send' : 'net.Socket.write')) continue
      const usual = peer === 'net.Socket.write' ? NODE_STREAM_SIZES_BYTES : [DEFAULT_SIZE_BYTES]
      const sizes = options.size === undefined ? usual : [options.size]
      for (const interval of options.intervals) {
        for (const sizeBytes of sizes) {
          add({ transport, backend: ours.backend, level: ours.level, interval, sizeBytes })
          add({ transport, backend: peer, level: 'peer', interval, sizeBytes })
        }
      }
    }
  }
  return [...cells.values()]
}

async function peers(args: readonly string[]): Promise<ExitStatusCode> {
  const request = await readRequest('peers', args, PEERS_OPTIONS)
  const { options } = request
  const wire = wireOf(options)
  if (wire !== undefined && !isInside()) return runInside(wire)
  const probes = probeBackends()
  if (options.size !== undefined) checkDatagramSize(options.transports, options.size)
  const { backends, notes } = selectBackends(options.backends, probes)
  const cellsOf = (transports: PeersOptions['transports'], selftests: Pick<Selftests, 'ioUring'>): Cell[] =>
    peerCells({ ...options, transports }, (backend) => backends.includes(backend), selftests)
  // Before anything is built: a plan that is empty with every program is empty.
  const wanted = cellsOf(options.transports, { ioUring: '' })
  if (wanted.length === 0) throw new BenchFailure(nothingToCompare(options))
  const processors = await chooseProcessors(options.cpus)
  const settings = await socketSettings(options.congestion)
  const selftests = wanted.some(({ backend }) => isSelftest(backend))
    ? await buildSelftests((line) => process.stderr.write(`${line}\n`))
    : undefined
  const run = await RunRecord.begin({
    request,
    options: { ...options, ...settings },
    processors,
    remoteHost: options.to?.host ?? null,
    wire,
    probes,
  })
  run.note(
    ...(selftests === undefined ? [] : [`C: msg_zerocopy.c and io_uring_zerocopy_tx.c of ${selftests.source}, gcc -O2.`]),
    congestionText(settings),
    ...(selftests?.notes ?? []),
    ...notes,
    ...((options.size ?? 0) > MAX_SELFTEST_BYTES ? [tooLargeForC(options.size)] : []),
  )
  await using receivers = await openEnds({ transports: options.transports, to: options.to, cpu: processors.receiver, settings, wire })
  run.note(...receivers.notes)
  pinSender(processors)
  const context = {
    destinations: receivers.destinations,
    settings,
    runtimeMs: options['runtime-ms'],
    // As the selftest: the same socket on both sides.
    noDelay: false,
    selftests,
    processors,
    wire: receivers.wire,
  }
  const cells = cellsOf(receivers.transports, { ioUring: selftests?.ioUring })
  if (cells.length === 0) throw new BenchFailure(nothingToCompare(options))
  const outcome = await measurePeers(cells, options, run, context)
  const path = await run.write(outcome.complete)
  const about = [
    'Sends of full size per second: median ± half the distance between the quartiles. Ratio: ours over the peer, median of the ratios paired',
    'by round, with its bootstrap 95 % interval. CPU/send: CPU time of the sending process (getrusage) per send, ours over the peer; below 1 = cheaper.',
    'Copied: share of the messages that the kernel copied, ours / the peer (- = it does not tell).',
    '',
  ]
  process.stdout.write(
    [...about, ...peersTable(compare(outcome.rows)), '', ...run.notes, `Seed ${run.seed}. Record: ${path}`, ''].join('\n'),
  )
  return outcome.complete ? ExitStatus.Ok : ExitStatus.Interrupted
}

function tooLargeForC(sizeBytes: number | undefined): string {
  return `Left out: the C programs, whose sends hold at most ${MAX_SELFTEST_BYTES} bytes, not ${sizeBytes}.`
}

function nothingToCompare({ backends, levels, size }: PeersOptions): string {
  const reasons = [
    ...((size ?? 0) > MAX_SELFTEST_BYTES ? [tooLargeForC(size)] : []),
    `No comparison has ${levels.join(' or ')} level${backends === undefined ? '' : ` with ${backends.join(', ')}`} in it there.`,
  ]
  return `There is nothing to compare. ${reasons.join(' ')} Node's own sockets stand beside copy and auto at the writer level.`
}

interface PeerContext extends CellContext {
  /** Undefined where no cell is one of theirs. */
  selftests: Selftests | undefined
  processors: Processors
}

async function measurePeers(cells: readonly Cell[], options: PeersOptions, run: RunRecord, context: PeerContext): Promise<TurnsOutcome> {
  return measureRounds(cells, run, {
    rounds: options.rounds,
    groupOf: groupKey,
    runtimeMs: options['runtime-ms'],
    overheadMs: OVERHEAD_MS,
    expectedMs: ({ backend }) => (isSelftest(backend) ? SELFTEST_RUNTIME_MS : options['runtime-ms']),
    warmups: warmupTurns(cells.filter(({ backend }) => !isSelftest(backend))),
    measure: (cell, round, position, runtimeMs, signal) => runPeerCell(cell, round, position, { ...context, runtimeMs, signal }),
  })
}

function isSelftest(backend: Cell['backend']): boolean {
  return backend === 'c-msg_zerocopy' || backend === 'c-io_uring'
}

function runPeerCell(cell: Cell, round: number, position: number, context: PeerContext & { signal: AbortSignal }): Promise<Row> {
  if (isSelftest(cell.backend)) {
    const { selftests, processors, settings, signal } = context
    if (selftests === undefined) throw new TypeError(`${cell.backend} was not built.`)
    const destination = destinationOf(context, cell.transport)
    return measuredOnWire(context.wire, async () => ({
      row: await runSelftest(cell, round, position, { selftests, destination, cpu: processors.sender, settings, signal }),
      sentBytes: null,
    }))
  }
  // Beside Node's sockets the writer is opened on one of Node's, so that both send through the same.
  if (cell.level === 'peer' || cell.backend === 'copy' || cell.backend === 'auto') return runOnNodeSocket(cell, round, position, context)
  const { backend, sizeBytes } = cell
  const { ioUring, msgZerocopy } = context.selftests?.payloadOffsetBytes ?? {}
  // In its page it begins where that of the C program does: the kernel pins and copies memory page by page.
  const offsetBytes = backend === 'uring' ? ioUring : msgZerocopy
  return runCell(cell as OwnCell, round, position, { ...context, payload: makePayload(sizeBytes, offsetBytes) })
}

function destinationOf(context: CellContext, transport: Transport): Destination {
  const destination = context.destinations.get(transport)
  if (destination === undefined) throw new TypeError(`No receiver for ${transport}.`)
  return destination
}

function runOnNodeSocket(cell: Cell, round: number, position: number, context: PeerContext): Promise<Row> {
  return measuredOnWire(context.wire, () => runNodeConnection(cell, round, position, context))
}

async function runNodeConnection(cell: Cell, round: number, position: number, context: PeerContext): Promise<MeasuredCell> {
  const { runtimeMs } = context
  const target = await connectNode(cell.transport, destinationOf(context, cell.transport), context.settings)
  try {
    if (cell.level === 'peer') {
      const load = new NodeLoad(target, cell.interval, cell.sizeBytes)
      const { cpuUserUs, cpuSystemUs, ...row } = measuredRow(cell, round, position, await measure(load, cell.interval, runtimeMs))
      await load.close()
      return { row: { ...row, ...unknownCosts(), cpuUserUs, cpuSystemUs }, sentBytes: load.totals().bytes }
    }
    const { backend, interval } = cell as OwnCell
    const writer = await openWriter(target.socket, { backend: backendFor(backend, interval), ...thresholdFor(backend) })
    const load = new WriterLoad({ writer, interval: cell.interval, sizeBytes: cell.sizeBytes, payload: makePayload(cell.sizeBytes) })
    try {
      const row = measuredRow(cell, round, position, await measure(load, cell.interval, runtimeMs))
      return { row, sentBytes: load.totals().bytes }
    } finally {
      await load.close()
    }
  } finally {
    closeNode(target)
  }
}

/** `bench peers`. */
export const peersCommand: Command = {
  about: "Measures ours beside the kernel's own C selftests (built from linux-source at run time), net.Socket.write and dgram.send.",
  options: PEERS_OPTIONS,
  run: peers,
}
