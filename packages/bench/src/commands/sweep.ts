import { INTERVALS } from '../cells/cell.js'
import { checkDatagramSize, checkPlan, plannedCells } from '../cells/plan.js'
import type { Command } from '../cli/command.js'
import { read, withDefault } from '../cli/command-line.js'
import type { ExitStatusCode } from '../cli/failure.js'
import { noDelayText, recordedNoDelay } from '../ends/connect.js'
import { measurePaths } from '../run/measure-paths.js'
import { COMMON_OPTIONS, RUN_OPTIONS, turnOptions, WAY_OPTIONS } from '../run/run-options.js'
import { readRequest } from '../run/run-request.js'
import { withRun } from '../run/with-run.js'
import { autoTable } from '../tables/auto-table.js'
import { costTable, sweepTables } from '../tables/sweep-table.js'

/**
 * Bounds of the default sweep: 224 cells (4 transports, 4 paths, 7 intervals, 2 levels) in about 100 s. More rounds of less time
 * beat fewer of more: the interval of a gain comes from pairs, one per round.
 */
const DEFAULTS = { runtimeMs: 70, rounds: 5 } as const

/** Options of `bench sweep`. */
export const SWEEP_OPTIONS = {
  transports: COMMON_OPTIONS.transports,
  backends: COMMON_OPTIONS.backends,
  intervals: withDefault(COMMON_OPTIONS.intervals, INTERVALS.join(',')),
  levels: COMMON_OPTIONS.levels,
  size: COMMON_OPTIONS.size,
  nodelay: COMMON_OPTIONS.nodelay,
  costs: { help: 'also print system calls, CPU time and range widths of every path', schema: read.flag.default(false) },
  ...turnOptions(DEFAULTS),
  ...RUN_OPTIONS,
  ...WAY_OPTIONS,
}

async function sweep(args: readonly string[]): Promise<ExitStatusCode> {
  const request = await readRequest('sweep', args, SWEEP_OPTIONS)
  const { options } = request
  checkDatagramSize(options.transports, options.size)
  return withRun(request, { prepare: () => ({ recorded: recordedNoDelay(options.nodelay) }) }, async (run, ends) => {
    const cells = plannedCells({ ...options, sizes: [options.size], transports: ends.transports }, run.backends)
    checkPlan(cells)
    const outcome = await measurePaths(run, ends, cells, { noDelay: options.nodelay })
    return {
      outcome,
      print: (rows) => [
        'Median over the rounds, in MB/s (10^6 bytes), ± half the distance between the quartiles. Gain: throughput over errqueue-recvmsg,',
        'median of the ratios paired by round, with its bootstrap 95 % interval. Copied: share of the messages that the kernel copied.',
        ...sweepTables(rows),
        ...autoTable(rows),
        ...(options.costs
          ? [
              '',
              'What the paths cost, over all transports; user and system: CPU time of the sending process (getrusage):',
              ...costTable(rows),
            ]
          : []),
      ],
      footer: [`TCP_NODELAY: ${noDelayText(options.nodelay)}.`],
    }
  })
}

/** `bench sweep`. */
export const sweepCommand: Command = {
  about: "Measures every notification path at every interval, as the paper does, and prints each path's gain over errqueue-recvmsg.",
  options: SWEEP_OPTIONS,
  run: sweep,
}
