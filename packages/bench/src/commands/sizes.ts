import type { OwnCell } from '../cells/cell.js'
import { type CellPlan, largestSend, NO_CELL, plannedCells } from '../cells/plan.js'
import type { Command } from '../cli/command.js'
import { withDefault } from '../cli/command-line.js'
import { BenchFailure, type ExitStatusCode } from '../cli/failure.js'
import { noDelayText, recordedNoDelay } from '../ends/connect.js'
import { ProcessorMeter } from '../machine/processor-meter.js'
import { measurePaths } from '../run/measure-paths.js'
import { ALL_PATHS_OPTION, COMMON_OPTIONS, pathsOf, RUN_OPTIONS, SIZES_OPTION, turnOptions, WAY_OPTIONS } from '../run/run-options.js'
import { readRequest } from '../run/run-request.js'
import { withRun } from '../run/with-run.js'
import { autoTable } from '../tables/auto-table.js'
import { registeredTable } from '../tables/registered-table.js'
import { sizesTables } from '../tables/sizes-table.js'

/**
 * The slides' sizes. The time of a cell is long enough for /proc/stat, which counts in ticks of 10 ms; about 90 s in all with four
 * paths and `auto`.
 */
const DEFAULTS = { sizes: '4K,16K,64K,256K,1M', interval: '8', runtimeMs: 300, rounds: 5 } as const

/** Options of `bench sizes`. */
export const SIZES_OPTIONS = {
  transports: withDefault(COMMON_OPTIONS.transports, 'tcp4'),
  backends: ALL_PATHS_OPTION,
  intervals: withDefault(COMMON_OPTIONS.intervals, DEFAULTS.interval),
  levels: COMMON_OPTIONS.levels,
  sizes: withDefault(SIZES_OPTION, DEFAULTS.sizes),
  nodelay: COMMON_OPTIONS.nodelay,
  ...turnOptions(DEFAULTS),
  ...RUN_OPTIONS,
  ...WAY_OPTIONS,
}

/**
 * Every combination of what was asked for, and a sentence for what one datagram cannot carry.
 * @throws BenchFailure where nothing is left
 */
export function sizesCells(plan: CellPlan, backends: readonly OwnCell['backend'][]): { cells: OwnCell[]; notes: string[] } {
  const cells: OwnCell[] = []
  const notes: string[] = []
  for (const transport of plan.transports) {
    const most = largestSend(transport)
    const tooLarge = plan.sizes.filter((size) => size > most)
    if (tooLarge.length > 0)
      notes.push(`Left out: ${transport} at ${tooLarge.join(', ')} bytes, since one datagram carries at most ${most}.`)
    cells.push(...plannedCells({ ...plan, transports: [transport], sizes: plan.sizes.filter((size) => size <= most) }, backends))
  }
  if (cells.length > 0) return { cells, notes }
  throw new BenchFailure(['There is nothing to measure.', ...notes, NO_CELL].join(' '))
}

async function sizes(args: readonly string[]): Promise<ExitStatusCode> {
  const request = await readRequest('sizes', args, SIZES_OPTIONS)
  const { options } = request
  const prepare = ({ backends }: { backends: OwnCell['backend'][] }) => {
    sizesCells(options, backends)
    return { recorded: recordedNoDelay(options.nodelay) }
  }
  return withRun(request, { paths: pathsOf(options), prepare }, async (run, ends) => {
    using meter = new ProcessorMeter()
    const { cells, notes } = sizesCells({ ...options, transports: ends.transports }, run.backends)
    run.record.note(...meter.notes, ...notes)
    const outcome = await measurePaths(run, ends, cells, { noDelay: options.nodelay, meter })
    return {
      outcome,
      print: (rows) => [
        'What 1,000 bytes cost: median over the rounds, and as percent of what they cost with copy, median of the ratios paired by round with its',
        'bootstrap 95 % interval. Slides: percent of the cycles of std that zc took, of the process or of all CPUs, over a network and per run of a',
        'given length. Copied: share of the messages that the kernel copied; what is copied at reception gains nothing.',
        ...sizesTables(rows),
        ...registeredTable(rows),
        ...autoTable(rows),
      ],
      footer: [`TCP_NODELAY: ${noDelayText(options.nodelay)}.`],
    }
  })
}

/** `bench sizes`. */
export const sizesCommand: Command = {
  about: "The slides' evaluation: what zero-copy costs as percent of copying, at sizes from 4K to 1M, of the process and of all CPUs.",
  options: SIZES_OPTIONS,
  run: sizes,
}
