import type { OwnCell } from '../cells/cell.js'
import { checkDatagramSize, checkPlan, plannedCells } from '../cells/plan.js'
import type { Command } from '../cli/command.js'
import { type OptionValues, read, withDefault } from '../cli/command-line.js'
import type { ExitStatusCode } from '../cli/failure.js'
import { checkSends, type RatedCell, runLatency, warmUpLatency } from '../run/latency-cell.js'
import { COMMON_OPTIONS, RUN_OPTIONS, turnOptions, WAY_OPTIONS } from '../run/run-options.js'
import { readRequest } from '../run/run-request.js'
import { cellContext, withRun } from '../run/with-run.js'
import { latencyTables } from '../tables/latency-table.js'

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

/** Highest rate that may be asked for, in sends per second: beyond what the event loop can turn. */
const MAX_RATE_PER_SECOND = 200_000

/** Options of `bench latency`. */
export const LATENCY_OPTIONS = {
  transports: withDefault(COMMON_OPTIONS.transports, DEFAULTS.transports),
  backends: COMMON_OPTIONS.backends,
  intervals: withDefault(COMMON_OPTIONS.intervals, DEFAULTS.interval),
  levels: withDefault(COMMON_OPTIONS.levels, DEFAULTS.levels),
  size: withDefault(COMMON_OPTIONS.size, DEFAULTS.sizeBytes),
  rates: {
    value: 'LIST',
    help: `sends per second, begun at times fixed in advance (default ${DEFAULTS.rates})`,
    schema: read.wholes(1, MAX_RATE_PER_SECOND).prefault(DEFAULTS.rates),
  },
  ...turnOptions(DEFAULTS),
  ...RUN_OPTIONS,
  ...WAY_OPTIONS,
}

type LatencyOptions = OptionValues<typeof LATENCY_OPTIONS>

/** Every combination of what was asked for. */
function ratedCells(
  { size, rates, ...plan }: Pick<LatencyOptions, 'transports' | 'intervals' | 'levels' | 'size' | 'rates'>,
  backends: readonly OwnCell['backend'][],
) {
  const cells = plannedCells({ ...plan, sizes: [size] }, backends)
  return rates.flatMap((ratePerSecond) => cells.map((cell): RatedCell => ({ ...cell, ratePerSecond, variant: `${ratePerSecond}/s` })))
}

async function latency(args: readonly string[]): Promise<ExitStatusCode> {
  const request = await readRequest('latency', args, LATENCY_OPTIONS)
  const { options } = request
  checkDatagramSize(options.transports, options.size)
  for (const rate of options.rates) checkSends(rate, options['runtime-ms'])
  return withRun(request, { prepare: () => ({ recorded: { nodelay: true } }) }, async (run, ends) => {
    const cells = ratedCells({ ...options, transports: ends.transports }, run.backends)
    checkPlan(cells)
    const context = cellContext(run, ends)
    const outcome = await run.measure(cells, (cell, turn) => runLatency(cell, turn, context), {
      groupOf: (cell) => `${cell.transport} ${cell.ratePerSecond} ${cell.level}`,
      warmUp: (cell, turn) => warmUpLatency(cell, turn, context),
    })
    return {
      outcome,
      print: (rows) => [
        'Microseconds from when a send should have begun: sent = the kernel has queued all of it, released = it references none of it any more.',
        'Sends begin at times fixed in advance, whatever became of those before, so that a stall counts for every send that it held up. Medians over',
        'the rounds ± half the distance between the quartiles. Begun: 99 % of the sends began so late at most: the generator, and what held it up.',
        ...latencyTables(rows),
      ],
      footer: [
        `CPU time is not told: between two sends the event loop turns without pause. TCP_NODELAY: on. ${options.size} bytes a send.`,
      ],
    }
  })
}

/** `bench latency`. */
export const latencyCommand: Command = {
  about: 'How long a send takes to be sent and to be released, at rates fixed in advance (open loop): p50, p99, p99.9 of every path.',
  options: LATENCY_OPTIONS,
  run: latency,
}
