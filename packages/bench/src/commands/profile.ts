import type { OwnCell } from '../cells/cell.js'
import { checkDatagramSize, checkPlan, plannedCells } from '../cells/plan.js'
import type { Command } from '../cli/command.js'
import { read, withDefault } from '../cli/command-line.js'
import type { ExitStatusCode } from '../cli/failure.js'
import { checkProfiler, profiled, SAMPLES_PER_SECOND, type SampleEvent } from '../machine/profiler.js'
import { runCell } from '../run/cell-runner.js'
import type { MeasureCell } from '../run/measure-rounds.js'
import { COMMON_OPTIONS, RUN_OPTIONS, turnOptions, WAY_OPTIONS } from '../run/run-options.js'
import { readRequest } from '../run/run-request.js'
import { cellContext, withRun } from '../run/with-run.js'
import { profileTables } from '../tables/profile-table.js'

const DEFAULTS = { interval: '8', runtimeMs: 1_000, rounds: 3, top: 12 } as const

/** Starting perf, ending it and reading what it wrote, in ms; only the progress bar uses it. */
const PERF_MS = 1_200

/** Options of `bench profile`. */
export const PROFILE_OPTIONS = {
  transports: withDefault(COMMON_OPTIONS.transports, 'tcp4'),
  backends: COMMON_OPTIONS.backends,
  intervals: withDefault(COMMON_OPTIONS.intervals, DEFAULTS.interval),
  levels: withDefault(COMMON_OPTIONS.levels, 'driver'),
  size: COMMON_OPTIONS.size,
  top: { value: 'N', help: `symbols to print per path (default ${DEFAULTS.top})`, schema: read.whole(1, 60).default(DEFAULTS.top) },
  nodelay: COMMON_OPTIONS.nodelay,
  ...turnOptions(DEFAULTS),
  ...RUN_OPTIONS,
  ...WAY_OPTIONS,
}

const EVENT_NOTES: Record<SampleEvent, string> = {
  cycles: 'Samples by cycles of the hardware (perf record -e cycles).',
  'cpu-clock':
    'Samples by CPU time (perf record -e cpu-clock), since this machine counts no cycles. Its timer waits where interrupts are off: what runs there is counted where they go on again.',
}

async function profile(args: readonly string[]): Promise<ExitStatusCode> {
  const request = await readRequest('profile', args, PROFILE_OPTIONS)
  const { options } = request
  checkDatagramSize(options.transports, options.size)
  const event = checkProfiler()
  const plan = { ...options, sizes: [options.size] }
  const prepare = ({ backends }: { backends: Parameters<typeof plannedCells>[1] }) => {
    checkPlan(plannedCells(plan, backends))
    return { recorded: { event, samplesPerSecond: SAMPLES_PER_SECOND }, notes: [EVENT_NOTES[event]] }
  }
  return withRun(request, { prepare }, async (run, ends) => {
    const context = { ...cellContext(run, ends), noDelay: options.nodelay }
    const cells = plannedCells({ ...plan, transports: ends.transports }, run.backends)
    const unsampled: MeasureCell<OwnCell> = (cell, turn) => runCell(cell, turn, context)
    const sampled: MeasureCell<OwnCell> = async (cell, turn) => {
      const { result, profile: found } = await profiled(event, () => unsampled(cell, turn))
      return { ...result, ...found }
    }
    const outcome = await run.measure(cells, sampled, { overheadMs: PERF_MS, warmUp: unsampled })
    return {
      outcome,
      print: (rows) => [
        `Where the CPU time of the sending process goes, kernel and user mode, ${SAMPLES_PER_SECOND} samples a second, all rounds together. On loopback the`,
        'kernel’s part includes most of the reception.',
        ...profileTables(rows, options.top),
      ],
    }
  })
}

/** `bench profile`. */
export const profileCommand: Command = {
  about: 'Samples the sending process with perf and prints the functions of the kernel that each path spends its time in.',
  options: PROFILE_OPTIONS,
  run: profile,
}
