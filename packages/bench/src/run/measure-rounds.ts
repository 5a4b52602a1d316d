import type { AnyCell } from '../cells/cell.js'
import { Progress } from '../cli/progress.js'
import { seededRandom } from '../numbers/random.js'
import type { Row } from '../record/record.js'
import type { RunRecord } from './run-record.js'
import { interleave, type Turn } from './schedule.js'
import { runTurns, type TurnsOutcome } from './turns.js'
import { WARMUP_MS, warmupTurns } from './warmup.js'

/** Measures a cell once, for so many ms; the signal is aborted when the user wants the run to end. */
export type MeasureCell<C> = (cell: C, round: number, position: number, runtimeMs: number, signal: AbortSignal) => Promise<Row>

/** How {@link measureRounds} measures. */
export interface RoundsOptions<C extends AnyCell> {
  rounds: number
  /** Cells with the same answer are compared with each other. */
  groupOf: (cell: C) => string
  /** Time of a cell in one round, in ms. */
  runtimeMs: number
  measure: MeasureCell<C>
  /** What is measured before, for {@link WARMUP_MS} each, and thrown away; {@link warmupTurns} of all cells by default. */
  warmups?: readonly Turn<C>[]
  /** How that is measured, where it differs. */
  warmUp?: MeasureCell<C>
  /** Connecting, awaiting the last notifications and closing, in ms; only the progress bar uses it. */
  overheadMs: number
  /** Time of a cell for the progress bar, in ms, where it is not `runtimeMs`. */
  expectedMs?: (cell: C) => number
}

/**
 * Warms up, then measures every cell in every round, in an order that comes from the run's seed, with a progress bar.
 * @param run - keeps the rows, and has those that need not be measured again
 * @throws as {@link runTurns}
 */
export async function measureRounds<C extends AnyCell>(
  cells: readonly C[],
  run: RunRecord,
  { rounds, groupOf, runtimeMs, measure, warmups = warmupTurns(cells), warmUp = measure, overheadMs, expectedMs }: RoundsOptions<C>,
): Promise<TurnsOutcome> {
  const turns = interleave(cells, rounds, groupOf, seededRandom(run.seed))
  const turnMs = (cell: C): number => (expectedMs?.(cell) ?? runtimeMs) + overheadMs
  const warmupMs = WARMUP_MS + overheadMs
  const progress = new Progress(turns.reduce((sum, { cell }) => sum + turnMs(cell), warmups.length * warmupMs))
  try {
    const warmup = await runTurns(warmups, {
      measure: (cell, round, position, signal) => warmUp(cell, round, position, WARMUP_MS, signal),
      progress,
      expectedMs: () => warmupMs,
    })
    if (!warmup.complete) return { rows: [], complete: false }
    return await runTurns(turns, {
      keeper: run,
      measure: (cell, round, position, signal) => measure(cell, round, position, runtimeMs, signal),
      progress,
      expectedMs: turnMs,
    })
  } finally {
    progress.finish()
  }
}
