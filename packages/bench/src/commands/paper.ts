import { SOCKET_LIMITS } from '@sendzc/socket'
import { findThroughput, isThroughputPath, runThroughput, type ThroughputCell, type ThroughputPath } from '../c-programs/zc-throughput.js'
import { type Cell, groupKey, hasLevel, LEVELS, type OwnCell } from '../cells/cell.js'
import type { Command } from '../cli/command.js'
import { COMMON_OPTIONS, type OptionValues, read, withDefault } from '../cli/command-line.js'
import { ExitStatus, type ExitStatusCode } from '../cli/failure.js'
import { defaultNoDelay } from '../ends/connect.js'
import { congestionText, socketSettings } from '../ends/socket-settings.js'
import { probeBackends, selectBackends } from '../machine/backends.js'
import { emulationText, LOOPBACK_SYSCTL, machineOptions } from '../machine/machine.js'
import { chooseProcessors, type Processors, pinSender } from '../machine/processors.js'
import type { Row } from '../record/record.js'
import { type CellContext, runCell } from '../run/cell-runner.js'
import { openEnds } from '../run/ends.js'
import { measureRounds } from '../run/measure-rounds.js'
import { RunRecord } from '../run/run-record.js'
import { readRequest } from '../run/run-request.js'
import type { TurnsOutcome } from '../run/turns.js'
import { warmupTurns } from '../run/warmup.js'
import { paperTables } from '../tables/paper-table.js'
import { questionTables } from '../tables/question-table.js'
import { measuredOnWire } from '../wire/wire-meter.js'
import { WIRE_OPTIONS, wireOf } from '../wire/wire-options.js'
import { isInside, runInside } from '../wire/wire-run.js'
import { checkDatagramSize, noDelayText, sweepCells } from './sweep.js'

const DEFAULTS = { runtimeMs: 200, rounds: 7, intervals: [1, 32] } as const

/** Levels of this command: the C sender of kernel/selftests, then ours. */
const PAPER_LEVELS = ['selftest', ...LEVELS] as const

/**
 * Pause of our receivers between two rounds of reading, in µs. What arrives in it is acknowledged and released together, so that a notification
 * covers some seven sends, where the selftest's, whose receiver reads on, cover one or two; and the receiver's wake-ups cost less.
 */
const RECEIVER_PAUSE_US = 50

/** Starting a process, connecting, the last notifications, in ms; only the progress bar uses it. */
const OVERHEAD_MS = 30

const { to: _remote, ...LOCAL_OPTIONS } = COMMON_OPTIONS

/** Options of `bench paper`. Both ends are here, as in the paper's localhost test, or the other one is the wire. */
export const PAPER_OPTIONS = {
  ...LOCAL_OPTIONS,
  ...WIRE_OPTIONS,
  backends: {
    ...COMMON_OPTIONS.backends,
    help: 'paths beside errqueue-recvmsg (default inline; where the kernel lacks it, errqueue-recvmmsg)',
  },
  levels: {
    value: 'LIST',
    help: `out of ${PAPER_LEVELS.join(',')} (default all): selftest is kernel/selftests/zc_throughput`,
    schema: read.words(PAPER_LEVELS).default([...PAPER_LEVELS]),
  },
  intervals: {
    ...COMMON_OPTIONS.intervals,
    help: `sends between two collections of notifications (default ${DEFAULTS.intervals.join(',')}, as published)`,
    schema: COMMON_OPTIONS.intervals.schema.prefault(DEFAULTS.intervals.join(',')),
  },
  'runtime-ms': withDefault(COMMON_OPTIONS['runtime-ms'], DEFAULTS.runtimeMs),
  rounds: withDefault(COMMON_OPTIONS.rounds, DEFAULTS.rounds),
  'receiver-pause-us': {
    value: 'US',
    help: `pause after each round of reading, of the receivers of the levels driver and writer (default ${RECEIVER_PAUSE_US}; 0 = read on, as the selftest's)`,
    schema: read.whole(0, SOCKET_LIMITS.coalesceUs).default(RECEIVER_PAUSE_US),
  },
}

type PaperOptions = OptionValues<typeof PAPER_OPTIONS>

/** Cells of one run, of three levels. */
type PaperCell = OwnCell | ThroughputCell

/**
 * Every cell: errqueue-recvmsg and the paths beside it; at the C level also never collecting, which is what any notification path can reach
 * at most.
 */
export function paperCells(
  options: Pick<PaperOptions, 'transports' | 'intervals' | 'levels' | 'size'>,
  backends: readonly OwnCell['backend'][],
): PaperCell[] {
  const levels = LEVELS.filter((level) => options.levels.includes(level))
  const cells: PaperCell[] = sweepCells({ ...options, levels }, backends)
  if (!options.levels.includes('selftest')) return cells
  const paths = new Set<ThroughputPath>(backends.flatMap((backend) => (isThroughputPath(backend) ? [backend] : [])))
  paths.add('never')
  for (const transport of options.transports) {
    for (const interval of options.intervals) {
      for (const backend of paths) cells.push({ transport, backend, level: 'selftest', interval, sizeBytes: options.size })
    }
  }
  return cells
}

/** What is compared: the paths of one level. */
function paperGroup(cell: Cell): string {
  return `${cell.level} ${groupKey(cell)}`
}

function wantedBackends(asked: PaperOptions['backends'], inlineWorks: boolean): OwnCell['backend'][] {
  const beside = asked ?? (inlineWorks ? (['inline'] as const) : (['errqueue-recvmmsg'] as const))
  return [...new Set<OwnCell['backend']>(['errqueue-recvmsg', ...beside])].filter((backend) => hasLevel(backend, 'driver'))
}

async function paper(args: readonly string[]): Promise<ExitStatusCode> {
  const request = await readRequest('paper', args, PAPER_OPTIONS)
  const { options } = request
  const wire = wireOf(options)
  if (wire !== undefined && !isInside()) return runInside(wire)
  checkDatagramSize(options.transports, options.size)
  const probes = probeBackends()
  const inline = probes.find(({ label }) => label === 'inline')
  const { backends } = selectBackends(wantedBackends(options.backends, inline?.available === true), probes)
  const program = options.levels.includes('selftest') ? await findThroughput() : ''
  const processors = await chooseProcessors(options.cpus)
  const settings = await socketSettings(options.congestion)
  const machine = await machineOptions()
  const run = await RunRecord.begin({
    request,
    options: {
      ...options,
      nodelay: options.nodelay ?? { driver: defaultNoDelay('driver'), writer: defaultNoDelay('writer') },
      backends,
      ...settings,
    },
    processors,
    remoteHost: null,
    wire,
    probes,
  })
  run.note(congestionText(settings), ...(wire === undefined ? [loopbackText(machine.loopbackWithoutCopy)] : []))
  if (inline?.available !== true) run.note(`New ZC (inline) was not measured: ${inline?.reason ?? 'it was not probed'}`)
  await using receivers = await openEnds({
    transports: options.transports,
    to: undefined,
    cpu: processors.receiver,
    settings,
    wire,
    coalesceUs: options['receiver-pause-us'],
  })
  run.note(...receivers.notes)
  pinSender(processors)
  const cells = paperCells({ ...options, transports: receivers.transports }, backends)
  const { destinations, wire: meter } = receivers
  const context = { destinations, settings, runtimeMs: options['runtime-ms'], noDelay: options.nodelay, wire: meter }
  const outcome = await measurePaper(cells, options.rounds, run, { ...context, program, processors })
  const path = await run.write(outcome.complete)
  const emulated = emulationText(machine)
  printPaper(outcome.rows, options, run, path, emulated === undefined ? '' : ` [${emulated}]`)
  return outcome.complete ? ExitStatus.Ok : ExitStatus.Interrupted
}

interface PaperContext extends CellContext {
  program: string
  processors: Processors
}

function measureCell(cell: PaperCell, round: number, position: number, context: PaperContext & { signal: AbortSignal }): Promise<Row> {
  if (cell.level !== 'selftest') return runCell(cell, round, position, context)
  const { wire, destinations } = context
  if (wire === undefined) return runThroughput(cell, round, position, context)
  const destination = destinations.get(cell.transport)
  return measuredOnWire(wire, async () => ({
    row: await runThroughput(cell, round, position, { ...context, destination }),
    sentBytes: null,
  }))
}

async function measurePaper(cells: readonly PaperCell[], rounds: number, run: RunRecord, context: PaperContext): Promise<TurnsOutcome> {
  return measureRounds(cells, run, {
    rounds,
    groupOf: paperGroup,
    runtimeMs: context.runtimeMs,
    overheadMs: OVERHEAD_MS,
    // The C sender has no code to compile, and its memory is new in each process.
    warmups: warmupTurns(cells.filter(({ level }) => level !== 'selftest')),
    measure: (cell, round, position, runtimeMs, signal) => measureCell(cell, round, position, { ...context, runtimeMs, signal }),
  })
}

function loopbackText(withoutCopy: boolean | null): string {
  if (withoutCopy === true) return `Loopback hands the sender's memory on (${LOOPBACK_SYSCTL}=1), as in the paper's test.`
  const remedy = withoutCopy === null ? 'this kernel has no setting for that' : `sysctl ${LOOPBACK_SYSCTL}=1 changes that`
  return `Loopback copies on reception: the figures tell what notifications cost, not what zero-copy saves (${remedy}).`
}

function printPaper(rows: readonly Row[], options: PaperOptions, run: RunRecord, path: string, mark: string): void {
  const lines = [
    'MB/s (10^6 bytes): median over the rounds ± half the distance between the quartiles. Gain: over ZC (errqueue, one recvmsg per range), median',
    "of the ratios paired by round, with its bootstrap 95 % interval. Gain, sender's CPU: the same with bytes per second of its CPU time",
    '(CLOCK_PROCESS_CPUTIME_ID). Calls: system calls that send or collect; the C sender also polls once per send, on every path.',
    ...paperTables(rows, mark),
    ...questionTables(rows),
    '',
    ...run.notes,
    `TCP_NODELAY: ${noDelayText(options.nodelay)}; C selftest off.`,
    `${options.rounds} rounds of ${options['runtime-ms']} ms per cell; --rounds and --runtime-ms make it steadier. Seed ${run.seed}.`,
    `Record: ${path}`,
  ]
  process.stdout.write(`${lines.join('\n')}\n`)
}

/** `bench paper`. */
export const paperCommand: Command = {
  about: "Measures the paper's two tables (interval 1 and 32): ZC, New ZC and the gain, from C and TypeScript, beside the published gains.",
  options: PAPER_OPTIONS,
  run: paper,
}
