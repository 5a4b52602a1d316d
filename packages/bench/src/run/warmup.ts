import type { AnyCell } from '../cells/cell.js'
import type { Scheduled } from './schedule.js'

/** Time of each cell of the warm-up, in ms: V8 has compiled the loop by then. */
export const WARMUP_MS = 40

/** One cell per transport, path and level: enough to compile the code and to fault in the memory. Their rows are thrown away. */
export function warmupTurns<C extends AnyCell>(cells: readonly C[]): Scheduled<C>[] {
  const found = new Map<string, C>()
  for (const cell of cells) found.set(`${cell.transport} ${cell.backend} ${cell.level}`, cell)
  return [...found.values()].map((cell) => ({ cell, round: 0 }))
}
