import type { Command } from '../cli/command.js'
import { parseCommandLine, read, withDefault } from '../cli/command-line.js'
import { ExitStatus, type ExitStatusCode } from '../cli/failure.js'
import { duration } from '../cli/progress.js'
import { median } from '../numbers/statistics.js'
import { openEnds } from '../run/ends.js'
import { COMMON_OPTIONS } from '../run/run-options.js'
import { megabytes, SAMPLE_MS, type Sender, soakRun } from '../run/soak-run.js'
import { withEnds, withStage } from '../run/stage.js'
import { textTable } from '../tables/text-table.js'
import { WIRE_OPTIONS } from '../wire/wire-options.js'

const DEFAULTS = { minutes: 10, stallMs: 2_000, sizeBytes: 65_000 } as const

/** Growth of the resident memory, in bytes, up to which it counts as flat: the allocator's own granularity. */
const FLAT_BYTES = 4_194_304

/** Options of `bench soak`. */
export const SOAK_OPTIONS = {
  transports: withDefault(COMMON_OPTIONS.transports, 'tcp4'),
  backends: COMMON_OPTIONS.backends,
  minutes: { value: 'N', help: `how long (default ${DEFAULTS.minutes})`, schema: read.whole(1, 1_440).default(DEFAULTS.minutes) },
  'stall-ms': {
    value: 'MS',
    help: `the peer stalls this long, then reads this long (default ${DEFAULTS.stallMs})`,
    schema: read.whole(10, 5_000).default(DEFAULTS.stallMs),
  },
  size: withDefault(COMMON_OPTIONS.size, DEFAULTS.sizeBytes),
  ...WIRE_OPTIONS,
  cpus: COMMON_OPTIONS.cpus,
  congestion: COMMON_OPTIONS.congestion,
}

async function soak(args: readonly string[]): Promise<ExitStatusCode> {
  const options = parseCommandLine(args, SOAK_OPTIONS)
  const { transports, size: sizeBytes, minutes, 'stall-ms': stallMs } = options
  return withStage(options, {}, (stage) => {
    const { processors, settings, wire } = stage
    const open = () => openEnds({ transports, to: undefined, cpu: processors.receiver, settings, wire })
    return withEnds(stage, open, async (ends) => {
      const { samples, senders } = await soakRun(stage, ends, { sizeBytes, lengthMs: minutes * 60_000, stallMs })
      process.stdout.write(`${[...report(samples, senders), ...stage.leftOut, ...ends.notes, ''].join('\n')}`)
      return flatness(samples) <= FLAT_BYTES ? ExitStatus.Ok : ExitStatus.Failed
    })
  })
}

/** Bytes by which the last quarter's median lies above the second quarter's: the first one is still filling caches. */
export function flatness(samples: readonly number[]): number {
  const quarter = Math.floor(samples.length / 4)
  return median(samples.slice(-quarter)) - median(samples.slice(quarter, 2 * quarter))
}

function report(samples: readonly number[], senders: readonly Sender[]): string[] {
  const body = senders.map(({ transport, backend, load }) => {
    const { sends, bytes, zerocopySends, copiedSends } = load.totals()
    const told = zerocopySends + copiedSends
    return [transport, backend, String(sends), (bytes / 1e9).toFixed(1), told === 0 ? '-' : `${((copiedSends / told) * 100).toFixed(1)}%`]
  })
  const tenth = Math.max(1, Math.floor(samples.length / 10))
  const course = samples.filter((_, at) => at % tenth === 0).map(megabytes)
  const growth = flatness(samples)
  return [
    `${duration(samples.length * SAMPLE_MS)} of writing at peers that stall and resume, all paths in one process:`,
    '',
    ...textTable(['transport', 'path', 'writes', 'GB', 'copied'], body, ['left', 'left']),
    '',
    `Resident memory over the time, in MB: ${course.join(' ')}`,
    `Last quarter over second quarter: ${growth < 0 ? '' : '+'}${(growth / 1_024).toFixed(0)} KiB (${growth <= FLAT_BYTES ? 'flat' : `NOT flat: above ${FLAT_BYTES / 1_048_576} MiB`})`,
  ]
}

/** `bench soak`. */
export const soakCommand: Command = {
  about: 'Writes on every path at once to peers that stall and resume, and shows that the resident memory stays flat.',
  options: SOAK_OPTIONS,
  run: soak,
}
