import { setImmediate as nextLoopTurn } from 'node:timers/promises'
import { type AnyCell, cellKey } from './cell.js'
import { BenchFailure, ExitStatus, messageOf } from './failure.js'
import { Interrupt } from './interrupt.js'
import type { Progress } from './progress.js'
import type { Row } from './record.js'
import type { Turn } from './schedule.js'

/** What came out of a run. */
export interface TurnsOutcome {
  rows: Row[]
  /** False when the user stopped it. */
  complete: boolean
}

/** How {@link runTurns} measures. */
export interface TurnsOptions<C extends AnyCell> {
  /** Measures one cell once. */
  measure: (cell: C, round: number, position: number) => Promise<Row>
  progress: Progress
  /** What one turn should take, in ms, for the progress bar. */
  expectedMs: (cell: C) => number
}

/**
 * Measures the turns in their order. Between two of them the event loop turns once, so that whatever the last one left
 * (closings, signals) does not fall into the next.
 * @throws BenchFailure that names the cell; rows measured before are lost, since a run with a broken cell proves nothing
 */
export async function runTurns<C extends AnyCell>(turns: readonly Turn<C>[], options: TurnsOptions<C>): Promise<TurnsOutcome> {
  using interrupt = new Interrupt()
  const rows: Row[] = []
  for (const [position, { cell, round }] of turns.entries()) {
    await nextLoopTurn()
    if (interrupt.requested) return { rows, complete: false }
    try {
      rows.push(await options.measure(cell, round, position))
    } catch (error) {
      const status = error instanceof BenchFailure ? error.status : ExitStatus.Failed
      throw new BenchFailure(`${cellKey(cell)}: ${messageOf(error)}`, status, error)
    }
    options.progress.advance(options.expectedMs(cell), `round ${round + 1}, ${cellKey(cell)}`)
  }
  return { rows, complete: true }
}
