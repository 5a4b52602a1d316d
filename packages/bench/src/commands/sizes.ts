import { CELL_LIMITS, hasLevel, isStream, MAX_DATAGRAM_BYTES, type OwnCell } from '../cells/cell.js'
import type { Command } from '../cli/command.js'
import { COMMON_OPTIONS, type OptionValues, read, withDefault } from '../cli/command-line.js'
import { BenchFailure, ExitStatus, type ExitStatusCode } from '../cli/failure.js'
import { defaultNoDelay } from '../ends/connect.js'
import { congestionText, socketSettings } from '../ends/socket-settings.js'
import { probeBackends, selectBackends } from '../machine/backends.js'
import { ProcessorMeter } from '../machine/processor-meter.js'
import { chooseProcessors, pinSender } from '../machine/processors.js'
import { openEnds } from '../run/ends.js'
import { RunRecord } from '../run/run-record.js'
import { readRequest } from '../run/run-request.js'
import { autoTable } from '../tables/auto-table.js'
import { sizesTables } from '../tables/sizes-table.js'
import { WIRE_OPTIONS, wireOf } from '../wire/wire-options.js'
import { isInside, runInside } from '../wire/wire-run.js'
import { measureCells, noDelayText } from './sweep.js'

/**
 * The slides' sizes. The time of a cell is long enough for /proc/stat, which counts in ticks of 10 ms; about 90 s in all with four
 * paths and `auto`.
 */
const DEFAULTS = { sizes: '4K,16K,64K,256K,1M', interval: '8', runtimeMs: 300, rounds: 5 } as const

/** Options of `bench sizes`. */
export const SIZES_OPTIONS = {
  transports: { ...COMMON_OPTIONS.transports, help: 'default tcp4', schema: COMMON_OPTIONS.transports.schema.prefault('tcp4') },
  backends: COMMON_OPTIONS.backends,
  intervals: withDefault({ ...COMMON_OPTIONS.intervals, help: 'sends between two collections of notifications' }, DEFAULTS.interval),
  levels: COMMON_OPTIONS.levels,
  sizes: {
    value: 'LIST',
    help: `bytes of one send, K and M allowed (default ${DEFAULTS.sizes}, as in the slides)`,
    schema: read.wholes(1, CELL_LIMITS.sizeBytes, true).prefault(DEFAULTS.sizes),
  },
  'runtime-ms': withDefault(COMMON_OPTIONS['runtime-ms'], DEFAULTS.runtimeMs),
  rounds: withDefault(COMMON_OPTIONS.rounds, DEFAULTS.rounds),
  json: COMMON_OPTIONS.json,
  resume: COMMON_OPTIONS.resume,
  to: COMMON_OPTIONS.to,
  ...WIRE_OPTIONS,
  cpus: COMMON_OPTIONS.cpus,
  nodelay: COMMON_OPTIONS.nodelay,
  congestion: COMMON_OPTIONS.congestion,
  seed: COMMON_OPTIONS.seed,
}

type SizesOptions = OptionValues<typeof SIZES_OPTIONS>

/**
 * Every combination of what was asked for, and a sentence for what one datagram cannot carry.
 * @throws BenchFailure where nothing is left
 */
export function sizesCells(
  options: Pick<SizesOptions, 'transports' | 'intervals' | 'levels' | 'sizes'>,
  backends: readonly OwnCell['backend'][],
): { cells: OwnCell[]; notes: string[] } {
  const cells: OwnCell[] = []
  const notes: string[] = []
  for (const transport of options.transports) {
    const most = isStream(transport) ? CELL_LIMITS.sizeBytes : MAX_DATAGRAM_BYTES[transport as 'udp4' | 'udp6']
    const tooLarge = options.sizes.filter((size) => size > most)
    if (tooLarge.length > 0)
      notes.push(`Left out: ${transport} at ${tooLarge.join(', ')} bytes, since one datagram carries at most ${most}.`)
    for (const sizeBytes of options.sizes.filter((size) => size <= most)) {
      for (const interval of options.intervals) {
        for (const level of options.levels) {
          for (const backend of backends.filter((one) => hasLevel(one, level)))
            cells.push({ transport, backend, level, interval, sizeBytes })
        }
      }
    }
  }
  if (cells.length > 0) return { cells, notes }
  throw new BenchFailure(['There is nothing to measure.', ...notes, 'auto has no driver level.'].join(' '))
}

async function sizes(args: readonly string[]): Promise<ExitStatusCode> {
  const request = await readRequest('sizes', args, SIZES_OPTIONS)
  const { options } = request
  const wire = wireOf(options)
  if (wire !== undefined && !isInside()) return runInside(wire)
  const probes = probeBackends()
  const { backends, notes } = selectBackends(options.backends, probes)
  sizesCells(options, backends)
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
  using meter = new ProcessorMeter()
  run.note(...meter.notes)
  const { cells, notes: leftOut } = sizesCells({ ...options, transports: receivers.transports }, backends)
  run.note(...leftOut)
  const outcome = await measureCells(cells, { ...options, meter }, receivers, run, settings)
  const path = await run.write(outcome.complete)
  const lines = [
    'What 1,000 bytes cost: median over the rounds, and as percent of what they cost with copy, median of the ratios paired by round with its',
    'bootstrap 95 % interval. Slides: percent of the cycles of std that zc took, of the process or of all CPUs, over a network and per run of a',
    'given length. Copied: share of the messages that the kernel copied; what is copied at reception gains nothing.',
    ...sizesTables(outcome.rows),
    ...autoTable(outcome.rows),
    '',
    ...run.notes,
    `TCP_NODELAY: ${noDelayText(options.nodelay)}.`,
    `${options.rounds} rounds of ${options['runtime-ms']} ms per cell. Seed ${run.seed}. Record: ${path}`,
  ]
  process.stdout.write(`${lines.join('\n')}\n`)
  return outcome.complete ? ExitStatus.Ok : ExitStatus.Interrupted
}

/** `bench sizes`. */
export const sizesCommand: Command = {
  about: "The slides' evaluation: what zero-copy costs as percent of copying, at sizes from 4K to 1M, of the process and of all CPUs.",
  options: SIZES_OPTIONS,
  run: sizes,
}
