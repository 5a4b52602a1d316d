import { openWriter } from '@sendzc/core'
import { hasLevel, type OwnCell } from '../cells/cell.js'
import type { Command } from '../cli/command.js'
import { COMMON_OPTIONS, type OptionValues, read, withDefault } from '../cli/command-line.js'
import { BenchFailure, ExitStatus, type ExitStatusCode } from '../cli/failure.js'
import { connectTo } from '../ends/connect.js'
import { makePayload } from '../ends/payload.js'
import { congestionText, socketSettings } from '../ends/socket-settings.js'
import { latencyQuantiles, MAX_OPEN_LOOP_SENDS, MIN_OPEN_LOOP_SENDS, type OpenLoopSink, runOpenLoop } from '../loads/open-loop.js'
import { DriverOpenLoop } from '../loads/open-loop-driver.js'
import { WriterOpenLoop } from '../loads/open-loop-writer.js'
import { backendFor, probeBackends, selectBackends } from '../machine/backends.js'
import { chooseProcessors, pinSender } from '../machine/processors.js'
import type { Row } from '../record/record.js'
import { type CellContext, thresholdFor } from '../run/cell-runner.js'
import { openEnds } from '../run/ends.js'
import { measureRounds } from '../run/measure-rounds.js'
import { measuredRow } from '../run/measured-row.js'
import { RunRecord } from '../run/run-record.js'
import { readRequest } from '../run/run-request.js'
import type { TurnsOutcome } from '../run/turns.js'
import { latencyTables } from '../tables/latency-table.js'
import { type MeasuredCell, measuredOnWire } from '../wire/wire-meter.js'
import { WIRE_OPTIONS, wireOf } from '../wire/wire-options.js'
import { isInside, runInside } from '../wire/wire-run.js'
import { checkDatagramSize } from './sweep.js'

/** About 100 s with four paths and `auto`: 1,000 sends at the lower rate, which is what 99.9 % takes. */
const DEFAULTS = {
  transports: 'tcp4',
  levels: 'writer',
  interval: '1',
  sizeBytes: 16_384,
  rates: '1000,8000',
  runtimeMs: 1_000,
  rounds: 9,
} as const

/** Sends of a warm-up: the schedule's code and the path's are compiled by then. */
const WARMUP_SENDS = 2_000
const WARMUP_RATE_PER_SECOND = 20_000

/** Connecting, awaiting the last notifications and closing, in ms; only the progress bar uses it. */
const OVERHEAD_MS = 60

/** Highest rate that may be asked for, in sends per second: beyond what the event loop can turn. */
const MAX_RATE_PER_SECOND = 200_000

/** Options of `bench latency`. */
export const LATENCY_OPTIONS = {
  transports: {
    ...COMMON_OPTIONS.transports,
    help: 'default tcp4',
    schema: COMMON_OPTIONS.transports.schema.prefault(DEFAULTS.transports),
  },
  backends: COMMON_OPTIONS.backends,
  intervals: withDefault({ ...COMMON_OPTIONS.intervals, help: 'sends between two collections of notifications' }, DEFAULTS.interval),
  levels: {
    ...COMMON_OPTIONS.levels,
    help: `out of driver,writer (default ${DEFAULTS.levels})`,
    schema: COMMON_OPTIONS.levels.schema.prefault(DEFAULTS.levels),
  },
  size: withDefault({ ...COMMON_OPTIONS.size, help: 'bytes of one send' }, DEFAULTS.sizeBytes),
  rates: {
    value: 'LIST',
    help: `sends per second, begun at times fixed in advance (default ${DEFAULTS.rates})`,
    schema: read.wholes(1, MAX_RATE_PER_SECOND).prefault(DEFAULTS.rates),
  },
  'runtime-ms': withDefault(
    { ...COMMON_OPTIONS['runtime-ms'], help: 'length of the schedule of one cell in one round' },
    DEFAULTS.runtimeMs,
  ),
  rounds: withDefault(COMMON_OPTIONS.rounds, DEFAULTS.rounds),
  json: COMMON_OPTIONS.json,
  resume: COMMON_OPTIONS.resume,
  to: COMMON_OPTIONS.to,
  ...WIRE_OPTIONS,
  cpus: COMMON_OPTIONS.cpus,
  congestion: COMMON_OPTIONS.congestion,
  seed: COMMON_OPTIONS.seed,
}

type LatencyOptions = OptionValues<typeof LATENCY_OPTIONS>

/** A cell at a rate. */
interface RatedCell extends OwnCell {
  ratePerSecond: number
}

async function latency(args: readonly string[]): Promise<ExitStatusCode> {
  const request = await readRequest('latency', args, LATENCY_OPTIONS)
  const { options } = request
  const wire = wireOf(options)
  if (wire !== undefined && !isInside()) return runInside(wire)
  checkDatagramSize(options.transports, options.size)
  for (const rate of options.rates) checkSends(rate, options['runtime-ms'])
  const probes = probeBackends()
  const { backends, notes } = selectBackends(options.backends, probes)
  const processors = await chooseProcessors(options.cpus)
  const settings = await socketSettings(options.congestion)
  const run = await RunRecord.begin({
    request,
    options: { ...options, backends, nodelay: true, ...settings },
    processors,
    remoteHost: options.to?.host ?? null,
    wire,
    probes,
  })
  run.note(congestionText(settings), ...notes)
  await using receivers = await openEnds({ transports: options.transports, to: options.to, cpu: processors.receiver, settings, wire })
  run.note(...receivers.notes)
  pinSender(processors)
  const cells = ratedCells({ ...options, transports: receivers.transports }, backends)
  if (cells.length === 0) throw new BenchFailure('auto has no driver level: leave --levels writer.')
  const outcome = await measureLatencies(cells, options, run, {
    destinations: receivers.destinations,
    settings,
    runtimeMs: options['runtime-ms'],
    wire: receivers.wire,
  })
  const path = await run.write(outcome.complete)
  const lines = [
    'Microseconds from when a send should have begun: sent = the kernel has queued all of it, released = it references none of it any more.',
    'Sends begin at times fixed in advance, whatever became of those before, so that a stall counts for every send that it held up. Medians over',
    'the rounds ± half the distance between the quartiles. Begun: 99 % of the sends began so late at most: the generator, and what held it up.',
    ...latencyTables(run.rows),
    '',
    ...run.notes,
    'CPU time is not told: between two sends the event loop turns without pause. TCP_NODELAY: on.',
    `${options.rounds} rounds of ${options['runtime-ms']} ms per cell, ${options.size} bytes a send. Seed ${run.seed}. Record: ${path}`,
  ]
  process.stdout.write(`${lines.join('\n')}\n`)
  return outcome.complete ? ExitStatus.Ok : ExitStatus.Interrupted
}

/** @throws BenchFailure for a schedule that is too short for 99.9 %, or too long to be held */
function checkSends(ratePerSecond: number, runtimeMs: number): void {
  const sends = sendsOf(ratePerSecond, runtimeMs)
  if (sends < MIN_OPEN_LOOP_SENDS)
    throw new BenchFailure(
      `--rates: ${ratePerSecond}/s for ${runtimeMs} ms are ${sends} sends; p99.9 takes ${MIN_OPEN_LOOP_SENDS}. Raise --runtime-ms.`,
    )
  if (sends > MAX_OPEN_LOOP_SENDS)
    throw new BenchFailure(
      `--rates: ${ratePerSecond}/s for ${runtimeMs} ms are ${sends} sends; at most ${MAX_OPEN_LOOP_SENDS} fit one row. Lower --runtime-ms.`,
    )
}

function sendsOf(ratePerSecond: number, runtimeMs: number): number {
  return Math.floor((ratePerSecond * runtimeMs) / 1_000)
}

/** Every combination of what was asked for. */
export function ratedCells(
  options: Pick<LatencyOptions, 'transports' | 'intervals' | 'levels' | 'size' | 'rates'>,
  backends: readonly OwnCell['backend'][],
): RatedCell[] {
  return options.transports.flatMap((transport) =>
    options.rates.flatMap((ratePerSecond) =>
      options.intervals.flatMap((interval) =>
        options.levels.flatMap((level) =>
          backends
            .filter((backend) => hasLevel(backend, level))
            .map(
              (backend): RatedCell => ({
                transport,
                backend,
                level,
                interval,
                sizeBytes: options.size,
                ratePerSecond,
                variant: `${ratePerSecond}/s`,
              }),
            ),
        ),
      ),
    ),
  )
}

async function measureLatencies(
  cells: readonly RatedCell[],
  options: LatencyOptions,
  run: RunRecord,
  context: CellContext,
): Promise<TurnsOutcome> {
  return measureRounds(cells, run, {
    rounds: options.rounds,
    groupOf: (cell) => `${cell.transport} ${cell.ratePerSecond} ${cell.level}`,
    runtimeMs: options['runtime-ms'],
    overheadMs: OVERHEAD_MS,
    measure: (cell, round, position, runtimeMs) => runLatency(cell, round, position, sendsOf(cell.ratePerSecond, runtimeMs), context),
    warmUp: (cell, round, position) =>
      runLatency({ ...cell, ratePerSecond: WARMUP_RATE_PER_SECOND }, round, position, WARMUP_SENDS, context),
  })
}

function runLatency(cell: RatedCell, round: number, position: number, sends: number, context: CellContext): Promise<Row> {
  return measuredOnWire(context.wire, () => runSchedule(cell, round, position, sends, context))
}

async function runSchedule(cell: RatedCell, round: number, position: number, sends: number, context: CellContext): Promise<MeasuredCell> {
  const destination = context.destinations.get(cell.transport)
  if (destination === undefined) throw new TypeError(`No receiver for ${cell.transport}.`)
  using socket = await connectTo(cell.transport, destination, context.settings, true)
  const { times, path } = await runOpenLoop((sink) => openPath(cell, socket.fd, sends, sink), sends, cell.ratePerSecond)
  try {
    const { intendedMs, begunMs, sentMs, releasedMs } = times
    // One gap more than between the first and the last, so that a path that keeps up reaches the rate that was asked for.
    const seconds = ((sentMs[sends - 1] as number) - (intendedMs[0] as number)) / 1_000 + 1 / cell.ratePerSecond
    const measured = { ...path.totals(), seconds, cpuUserUs: 0, cpuSystemUs: 0 }
    const row: Row = {
      ...measuredRow(cell, round, position, measured),
      cpuUserUs: null,
      cpuSystemUs: null,
      latency: {
        ratePerSecond: cell.ratePerSecond,
        begun: latencyQuantiles(intendedMs, begunMs),
        sent: latencyQuantiles(intendedMs, sentMs),
        released: latencyQuantiles(intendedMs, releasedMs),
      },
    }
    return { row, sentBytes: path.totals().bytes }
  } finally {
    await path.close()
  }
}

async function openPath(cell: RatedCell, fd: number, sends: number, sink: OpenLoopSink): Promise<DriverOpenLoop | WriterOpenLoop> {
  const payload = makePayload(cell.sizeBytes)
  const backend = backendFor(cell.backend, cell.interval)
  if (cell.level === 'driver') return new DriverOpenLoop({ backend, fd, payload, sends, sink })
  return new WriterOpenLoop(await openWriter(fd, { backend, ...thresholdFor(cell.backend) }), payload, sink)
}

/** `bench latency`. */
export const latencyCommand: Command = {
  about: 'How long a send takes to be sent and to be released, at rates fixed in advance (open loop): p50, p99, p99.9 of every path.',
  options: LATENCY_OPTIONS,
  run: latency,
}
