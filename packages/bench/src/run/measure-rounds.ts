import { type AnyCell, groupKey } from '../cells/cell.js'
import type { Turn } from '../cells/turn.js'
import { Progress } from '../cli/progress.js'
import { seededRandom } from '../numbers/random.js'
import type { Row } from '../record/record.js'
import type { RunRecord } from './run-record.js'
import { interleave, type Scheduled } from './schedule.js'
import { runTurns, type TurnsOutcome } from './turns.js'
import { WARMUP_MS, warmupTurns } from './warmup.js'

/** What connecting, awaiting the last notifications and closing add to a cell, in ms. */
const OVERHEAD_MS = 30

/** Measures a cell once. */
export type MeasureCell<C> = (cell: C, turn: Turn) => Promise<Row>

/** How {@link measureRounds} measures. */
export interface RoundsOptions<C extends AnyCell> {
  rounds: number
  /** Cells with the same answer are compared with each other; those that differ in the path alone by default. */
  groupOf?: (cell: C) => string
  /** Time of a cell in one round, in ms. */
  runtimeMs: number
  measure: MeasureCell<C>
  /** What is measured before, for {@link WARMUP_MS} each, and thrown away; {@link warmupTurns} of all cells by default. */
  warmups?: readonly Scheduled<C>[]
  /** How that is measured, where it differs. */
  warmUp?: MeasureCell<C>
  /** Connecting, awaiting the last notifications and closing, in ms, where it is not {@link OVERHEAD_MS}; only the progress bar uses it. */
  overheadMs?: number
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
  {
    rounds,
    groupOf = groupKey,
    runtimeMs,
    measure,
    warmups = warmupTurns(cells),
    warmUp = measure,
    overheadMs = OVERHEAD_MS,
    expectedMs,
  }: RoundsOptions<C>,
): Promise<TurnsOutcome> {
  const turns = interleave(cells, rounds, groupOf, seededRandom(run.seed))
  const turnMs = (cell: C): number => (expectedMs?.(cell) ?? runtimeMs) + overheadMs
  const warmupMs = WARMUP_MS + overheadMs
  const progress = new Progress(turns.reduce((sum, { cell }) => sum + turnMs(cell), warmups.length * warmupMs))
  try {
    const warmup = await runTurns(warmups, {
      measure: (cell, turn) => warmUp(cell, { ...turn, runtimeMs: WARMUP_MS }),
      progress,
      expectedMs: () => warmupMs,
    })
    if (!warmup.complete) return { rows: [], complete: false }
    return await runTurns(turns, {
      keeper: run,
      measure: (cell, turn) => measure(cell, { ...turn, runtimeMs }),
      progress,
      expectedMs: turnMs,
    })
  } finally {
    progress.finish()
  }
}
