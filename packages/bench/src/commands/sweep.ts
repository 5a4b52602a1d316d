import { groupKey, hasLevel, isStream, MAX_DATAGRAM_BYTES, type OwnCell, type Transport } from '../cells/cell.js'
import type { Command } from '../cli/command.js'
import { COMMON_OPTIONS, type OptionValues, read, withDefault } from '../cli/command-line.js'
import { BenchFailure, ExitStatus, type ExitStatusCode } from '../cli/failure.js'
import { defaultNoDelay } from '../ends/connect.js'
import { congestionText, socketSettings } from '../ends/socket-settings.js'
import { probeBackends, selectBackends } from '../machine/backends.js'
import { chooseProcessors, pinSender } from '../machine/processors.js'
import type { Row } from '../record/record.js'
import { type CellContext, runCell } from '../run/cell-runner.js'
import { openEnds, type Ends as Receivers } from '../run/ends.js'
import { measureRounds } from '../run/measure-rounds.js'
import { RunRecord } from '../run/run-record.js'
import { readRequest } from '../run/run-request.js'
import { autoTable } from '../tables/auto-table.js'
import { costTable, sweepTables } from '../tables/sweep-table.js'
import { WIRE_OPTIONS, wireOf } from '../wire/wire-options.js'
import { isInside, runInside } from '../wire/wire-run.js'

/**
 * Budget of the default sweep: 224 cells (4 transports, 4 paths, 7 intervals, 2 levels) in about 100 s. More rounds of less time
 * beat fewer of more: the interval of a gain comes from pairs, one per round.
 */
const DEFAULTS = { runtimeMs: 70, rounds: 5 } as const

/** What connecting, awaiting the last notifications and closing adds to each cell, in ms; only the progress bar uses it. */
const OVERHEAD_MS = 25

/** Options of `bench sweep`. */
export const SWEEP_OPTIONS = {
  ...COMMON_OPTIONS,
  ...WIRE_OPTIONS,
  'runtime-ms': withDefault(COMMON_OPTIONS['runtime-ms'], DEFAULTS.runtimeMs),
  rounds: withDefault(COMMON_OPTIONS.rounds, DEFAULTS.rounds),
  costs: { help: 'also print system calls, CPU time and range widths of every path', schema: read.flag.default(false) },
}

type SweepOptions = OptionValues<typeof SWEEP_OPTIONS>

/** Every combination of what was asked for. */
export function sweepCells(
  options: Pick<SweepOptions, 'transports' | 'intervals' | 'levels' | 'size'>,
  backends: readonly OwnCell['backend'][],
): OwnCell[] {
  const cells: OwnCell[] = []
  for (const transport of options.transports) {
    for (const interval of options.intervals) {
      for (const level of options.levels) {
        for (const backend of backends.filter((one) => hasLevel(one, level)))
          cells.push({ transport, backend, level, interval, sizeBytes: options.size })
      }
    }
  }
  return cells
}

/** @throws BenchFailure when a datagram of this size cannot be sent */
export function checkDatagramSize(transports: readonly Transport[], sizeBytes: number): void {
  for (const transport of transports) {
    if (isStream(transport)) continue
    const limit = MAX_DATAGRAM_BYTES[transport as 'udp4' | 'udp6']
    if (sizeBytes > limit) {
      throw new BenchFailure(
        `--size: ${sizeBytes} bytes do not fit one ${transport} datagram (at most ${limit}); leave it out of --transports.`,
      )
    }
  }
}

async function sweep(args: readonly string[]): Promise<ExitStatusCode> {
  const request = await readRequest('sweep', args, SWEEP_OPTIONS)
  const { options } = request
  const wire = wireOf(options)
  if (wire !== undefined && !isInside()) return runInside(wire)
  checkDatagramSize(options.transports, options.size)
  const probes = probeBackends()
  const { backends, notes } = selectBackends(options.backends, probes)
  const processors = await chooseProcessors(options.cpus)
  const settings = await socketSettings(options.congestion)
  const run = await RunRecord.begin({
    request,
    options: {
      ...options,
      nodelay: options.nodelay ?? { driver: defaultNoDelay('driver'), writer: defaultNoDelay('writer') },
      backends,
      ...settings,
    },
    processors,
    remoteHost: options.to?.host ?? null,
    wire,
    probes,
  })
  run.note(congestionText(settings), ...notes)
  await using receivers = await openEnds({ transports: options.transports, to: options.to, cpu: processors.receiver, settings, wire })
  run.note(...receivers.notes)
  pinSender(processors)
  const cells = sweepCells({ ...options, transports: receivers.transports }, backends)
  if (cells.length === 0) throw new BenchFailure('auto has no driver level: leave --levels writer.')
  const outcome = await measureCells(cells, options, receivers, run, settings)
  const path = await run.write(outcome.complete)
  printSweep(outcome.rows, options, run, path)
  return outcome.complete ? ExitStatus.Ok : ExitStatus.Interrupted
}

/** How {@link measureCells} measures. */
export type CellsOptions = Pick<SweepOptions, 'runtime-ms' | 'rounds' | 'nodelay'> & Pick<CellContext, 'meter'>

/** Warms up, and measures every cell in every round, with a progress bar. */
export async function measureCells(
  cells: readonly OwnCell[],
  options: CellsOptions,
  receivers: Receivers,
  run: RunRecord,
  settings: CellContext['settings'],
): Promise<{ rows: Row[]; complete: boolean }> {
  const context: CellContext = {
    destinations: receivers.destinations,
    settings,
    runtimeMs: options['runtime-ms'],
    noDelay: options.nodelay,
    meter: options.meter,
    wire: receivers.wire,
  }
  return measureRounds(cells, run, {
    rounds: options.rounds,
    groupOf: groupKey,
    runtimeMs: options['runtime-ms'],
    overheadMs: OVERHEAD_MS,
    measure: (cell, round, position, runtimeMs) => runCell(cell, round, position, { ...context, runtimeMs }),
  })
}

function printSweep(rows: readonly Row[], options: SweepOptions, run: RunRecord, path: string): void {
  const lines = [
    'Median over the rounds, in MB/s (10^6 bytes), ± half the distance between the quartiles. Gain: throughput over errqueue-recvmsg,',
    'median of the ratios paired by round, with its bootstrap 95 % interval. Copied: share of the messages that the kernel copied.',
    ...sweepTables(rows),
    ...autoTable(rows),
    ...(options.costs
      ? ['', 'What the paths cost, over all transports; user and system: CPU time of the sending process (getrusage):', ...costTable(rows)]
      : []),
    '',
    ...run.notes,
    `TCP_NODELAY: ${noDelayText(options.nodelay)}.`,
    `${options.rounds} rounds of ${options['runtime-ms']} ms per cell; --rounds and --runtime-ms make it steadier. Seed ${run.seed}.`,
    `Record: ${path}`,
  ]
  process.stdout.write(`${lines.join('\n')}\n`)
}

/** A phrase for the reader of the tables. */
export function noDelayText(asked: boolean | undefined): string {
  if (asked !== undefined) return asked ? 'on' : 'off'
  return "off at the driver level, as in the kernel's selftest; on at the writer level, as openSocket() does (--nodelay sets both)"
}

/** `bench sweep`. */
export const sweepCommand: Command = {
  about: "Measures every notification path at every interval, as the paper does, and prints each path's gain over errqueue-recvmsg.",
  options: SWEEP_OPTIONS,
  run: sweep,
}
