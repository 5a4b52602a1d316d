import { groupKey, type OwnCell } from '../cells/cell.js'
import type { Command } from '../cli/command.js'
import { COMMON_OPTIONS, type OptionValues, read, withDefault } from '../cli/command-line.js'
import { BenchFailure, ExitStatus, type ExitStatusCode } from '../cli/failure.js'
import { congestionText, socketSettings } from '../ends/socket-settings.js'
import { probeBackends, selectBackends } from '../machine/backends.js'
import { chooseProcessors, pinSender } from '../machine/processors.js'
import { checkProfiler, profiled, SAMPLES_PER_SECOND, type SampleEvent } from '../machine/profiler.js'
import type { Row } from '../record/record.js'
import { type CellContext, runCell } from '../run/cell-runner.js'
import { openEnds } from '../run/ends.js'
import { measureRounds } from '../run/measure-rounds.js'
import { RunRecord } from '../run/run-record.js'
import { readRequest } from '../run/run-request.js'
import type { TurnsOutcome } from '../run/turns.js'
import { profileTables } from '../tables/profile-table.js'
import { WIRE_OPTIONS, wireOf } from '../wire/wire-options.js'
import { isInside, runInside } from '../wire/wire-run.js'
import { checkDatagramSize, sweepCells } from './sweep.js'

const DEFAULTS = { interval: '8', runtimeMs: 1_000, rounds: 3, top: 12 } as const

/** Starting perf, ending it and reading what it wrote, in ms; only the progress bar uses it. */
const PERF_MS = 1_200

/** Options of `bench profile`. */
export const PROFILE_OPTIONS = {
  transports: { ...COMMON_OPTIONS.transports, help: 'default tcp4', schema: COMMON_OPTIONS.transports.schema.prefault('tcp4') },
  backends: COMMON_OPTIONS.backends,
  intervals: {
    ...COMMON_OPTIONS.intervals,
    help: `as for sweep (default ${DEFAULTS.interval})`,
    schema: COMMON_OPTIONS.intervals.schema.prefault(DEFAULTS.interval),
  },
  levels: {
    ...COMMON_OPTIONS.levels,
    help: 'out of driver,writer (default driver)',
    schema: COMMON_OPTIONS.levels.schema.prefault('driver'),
  },
  size: COMMON_OPTIONS.size,
  top: { value: 'N', help: `symbols to print per path (default ${DEFAULTS.top})`, schema: read.whole(1, 60).default(DEFAULTS.top) },
  'runtime-ms': withDefault(COMMON_OPTIONS['runtime-ms'], DEFAULTS.runtimeMs),
  rounds: withDefault({ ...COMMON_OPTIONS.rounds, help: 'how often each cell is sampled' }, DEFAULTS.rounds),
  json: COMMON_OPTIONS.json,
  resume: COMMON_OPTIONS.resume,
  to: COMMON_OPTIONS.to,
  ...WIRE_OPTIONS,
  cpus: COMMON_OPTIONS.cpus,
  nodelay: COMMON_OPTIONS.nodelay,
  congestion: COMMON_OPTIONS.congestion,
  seed: COMMON_OPTIONS.seed,
}

type ProfileOptions = OptionValues<typeof PROFILE_OPTIONS>

const EVENT_NOTES: Record<SampleEvent, string> = {
  cycles: 'Samples by cycles of the hardware (perf record -e cycles).',
  'cpu-clock':
    'Samples by CPU time (perf record -e cpu-clock), since this machine counts no cycles. Its timer waits where interrupts are off: what runs there is counted where they go on again.',
}

async function profile(args: readonly string[]): Promise<ExitStatusCode> {
  const request = await readRequest('profile', args, PROFILE_OPTIONS)
  const { options } = request
  const wire = wireOf(options)
  if (wire !== undefined && !isInside()) return runInside(wire)
  checkDatagramSize(options.transports, options.size)
  const event = checkProfiler()
  const probes = probeBackends()
  const { backends, notes } = selectBackends(options.backends, probes)
  if (sweepCells(options, backends).length === 0) throw new BenchFailure('auto has no driver level: --levels writer.')
  const processors = await chooseProcessors(options.cpus)
  const settings = await socketSettings(options.congestion)
  const run = await RunRecord.begin({
    request,
    options: { ...options, backends, event, samplesPerSecond: SAMPLES_PER_SECOND, ...settings },
    processors,
    remoteHost: options.to?.host ?? null,
    wire,
    probes,
  })
  run.note(EVENT_NOTES[event], congestionText(settings), ...notes)
  await using receivers = await openEnds({ transports: options.transports, to: options.to, cpu: processors.receiver, settings, wire })
  run.note(...receivers.notes)
  pinSender(processors)
  const cells = sweepCells({ ...options, transports: receivers.transports }, backends)
  const context: CellContext = {
    destinations: receivers.destinations,
    wire: receivers.wire,
    settings,
    runtimeMs: options['runtime-ms'],
    noDelay: options.nodelay,
  }
  const outcome = await sampleCells(cells, options, run, context, event)
  const path = await run.write(outcome.complete)
  const lines = [
    `Where the CPU time of the sending process goes, kernel and user mode, ${SAMPLES_PER_SECOND} samples a second, all rounds together. On loopback the`,
    'kernel’s part includes most of the reception.',
    ...profileTables(outcome.rows, options.top),
    '',
    ...run.notes,
    `${options.rounds} rounds of ${options['runtime-ms']} ms per path. Seed ${run.seed}. Record: ${path}`,
  ]
  process.stdout.write(`${lines.join('\n')}\n`)
  return outcome.complete ? ExitStatus.Ok : ExitStatus.Interrupted
}

async function sampleCells(
  cells: readonly OwnCell[],
  options: ProfileOptions,
  run: RunRecord,
  context: CellContext,
  event: SampleEvent,
): Promise<TurnsOutcome> {
  return measureRounds(cells, run, {
    rounds: options.rounds,
    groupOf: groupKey,
    runtimeMs: options['runtime-ms'],
    overheadMs: PERF_MS,
    warmUp: (cell, round, position, runtimeMs) => runCell(cell, round, position, { ...context, runtimeMs }),
    measure: async (cell, round, position, runtimeMs): Promise<Row> => {
      const { result, profile: found } = await profiled(event, () => runCell(cell, round, position, { ...context, runtimeMs }))
      return { ...result, ...found }
    },
  })
}

/** `bench profile`. */
export const profileCommand: Command = {
  about: 'Samples the sending process with perf and prints the functions of the kernel that each path spends its time in.',
  options: PROFILE_OPTIONS,
  run: profile,
}
