import { isThroughputPath, runThroughput, type ThroughputCell, type ThroughputPath } from '../c-programs/zc-throughput.js'
import { type Cell, groupKey, LEVELS, type OwnCell } from '../cells/cell.js'
import { type CellPlan, plannedCells } from '../cells/plan.js'
import type { Turn } from '../cells/turn.js'
import { destinationOf } from '../ends/connect.js'
import type { Processors } from '../machine/processors.js'
import type { Row } from '../record/record.js'
import { measuredOnWire } from '../wire/wire-meter.js'
import { type CellContext, runCell } from './cell-runner.js'

/** Levels of this command: the C sender of kernel/selftests, then ours. */
export const PAPER_LEVELS = ['selftest', ...LEVELS] as const

/** Cells of one run, of three levels. */
export type PaperCell = OwnCell | ThroughputCell

/**
 * Every cell: errqueue-recvmsg and the paths beside it; at the C level also never collecting, which is what any notification path can reach
 * at most.
 */
export function paperCells(
  options: Omit<CellPlan, 'sizes' | 'levels'> & { levels: readonly (typeof PAPER_LEVELS)[number][]; size: number },
  backends: readonly OwnCell['backend'][],
): PaperCell[] {
  const levels = LEVELS.filter((level) => options.levels.includes(level))
  const cells: PaperCell[] = plannedCells({ ...options, sizes: [options.size], levels }, backends)
  if (!options.levels.includes('selftest')) return cells
  const paths = new Set<ThroughputPath>(backends.flatMap((backend) => (isThroughputPath(backend) ? [backend] : [])))
  paths.add('never')
  for (const transport of options.transports) {
    for (const interval of options.intervals) {
      for (const backend of paths) cells.push({ transport, backend, level: 'selftest', interval, sizeBytes: options.size })
    }
  }
  return cells
}

/** What is compared: the paths of one level. */
export function paperGroup(cell: Cell): string {
  return `${cell.level} ${groupKey(cell)}`
}

/** What the cells of `bench paper` share. */
export interface PaperContext extends CellContext {
  program: string
  processors: Processors
}

/** Measures a cell of ours or of the C sender once. */
export function runPaperCell(cell: PaperCell, turn: Turn, context: PaperContext): Promise<Row> {
  if (cell.level !== 'selftest') return runCell(cell, turn, context)
  const { wire } = context
  if (wire === undefined) return runThroughput(cell, turn, context)
  const destination = destinationOf(context, cell.transport)
  return measuredOnWire(wire, async () => ({ row: await runThroughput(cell, turn, { ...context, destination }), sentBytes: null }))
}
