import type { OwnCell } from '../cells/cell.js'
import { type CellContext, runCell } from './cell-runner.js'
import type { Ends } from './ends.js'
import type { TurnsOutcome } from './turns.js'
import { cellContext, type Preparation, type Run } from './with-run.js'

/**
 * Measures cells of ours, each over a connection of its own.
 * @param sockets - settings of the sockets, and further counters of the rows
 */
export function measurePaths(
  run: Run<Preparation>,
  ends: Ends,
  cells: readonly OwnCell[],
  sockets: Pick<CellContext, 'noDelay' | 'meter'>,
): Promise<TurnsOutcome> {
  const context = { ...cellContext(run, ends), ...sockets }
  return run.measure(cells, (cell, turn) => runCell(cell, turn, context))
}
