import { setImmediate as nextLoopTurn } from 'node:timers/promises'
import { CutOff } from '../c-programs/child-program.js'
import { type AnyCell, cellKey } from '../cells/cell.js'
import type { Turn } from '../cells/turn.js'
import { BenchFailure, ExitStatus, messageOf } from '../cli/failure.js'
import { Interrupt } from '../cli/interrupt.js'
import { duration, type Progress } from '../cli/progress.js'
import type { Row } from '../record/record.js'
import type { Scheduled } from './schedule.js'

/** The result of a run. */
export interface TurnsOutcome {
  rows: Row[]
  /** False when the user stopped it. */
  complete: boolean
}

/** Keeps rows as they come. */
export interface RowKeeper {
  /** Rows that are kept already: their turns are not measured again. */
  readonly rows: readonly Row[]
  /** Path of the record. */
  readonly path: string
  /** To be called just before a measurement. */
  start(): void
  /** Keeps the row of a measurement that has just ended. */
  keep(row: Row): void
  /** Ends the sentence of a failure: how to continue with the kept rows. */
  remedy(): string
}

/** How {@link runTurns} measures. */
export interface TurnsOptions<C extends AnyCell> {
  /**
   * Measures one cell once.
   * @throws CutOff when it ended because the signal was aborted
   */
  measure: (cell: C, turn: Omit<Turn, 'runtimeMs'>) => Promise<Row>
  progress: Progress
  /** What one turn should take, in ms, for the progress bar. */
  expectedMs: (cell: C) => number
  /** Keeps the rows; without it, as in a warm-up, they are only returned. */
  keeper?: RowKeeper
}

/**
 * Measures the turns in their order, except those that the keeper has. Between two of them the event loop turns once, so that the remains of
 * one turn (closings, signals) do not fall into the next.
 * @throws BenchFailure that names the cell, or a kept row that belongs to none of these turns
 */
export async function runTurns<C extends AnyCell>(turns: readonly Scheduled<C>[], options: TurnsOptions<C>): Promise<TurnsOutcome> {
  using interrupt = new Interrupt()
  const { keeper, progress, expectedMs } = options
  const done = keeper === undefined ? new Set<number>() : keptTurns(turns, keeper)
  for (const position of done) progress.skip(expectedMs((turns[position] as Scheduled<C>).cell))
  if (keeper !== undefined)
    announce(
      turns.filter((_, position) => !done.has(position)).map(({ cell }) => expectedMs(cell)),
      progress,
    )
  const measured: Row[] = []
  for (const [position, { cell, round }] of turns.entries()) {
    if (done.has(position)) continue
    await nextLoopTurn()
    if (interrupt.requested) return { rows: [...(keeper?.rows ?? measured)], complete: false }
    try {
      keeper?.start()
      const row = await options.measure(cell, { round, position, signal: interrupt.signal })
      if (keeper === undefined) measured.push(row)
      else keeper.keep(row)
    } catch (error) {
      if (error instanceof CutOff) return { rows: [...(keeper?.rows ?? measured)], complete: false }
      const status = error instanceof BenchFailure ? error.status : ExitStatus.Failed
      const sentence = messageOf(error).replace(/\.?$/u, '.')
      throw new BenchFailure(`${cellKey(cell)}: ${sentence}${keeper?.remedy() ?? ''}`, status, error)
    }
    progress.advance(expectedMs(cell), `round ${round + 1}, ${cellKey(cell)}`)
  }
  return { rows: [...(keeper?.rows ?? measured)], complete: true }
}

function announce(expectedMs: readonly number[], progress: Progress): void {
  const totalMs = expectedMs.reduce((sum, ms) => sum + ms, 0)
  progress.say(`${expectedMs.length} measurements, about ${duration(totalMs)} min. Ctrl-C keeps what is measured by then.`)
}

/** Positions that are measured already. */
function keptTurns<C extends AnyCell>(turns: readonly Scheduled<C>[], { rows, path }: RowKeeper): Set<number> {
  const done = new Set<number>()
  for (const row of rows) {
    const turn = turns[row.position]
    if (turn === undefined || done.has(row.position) || turn.round !== row.round || cellKey(turn.cell) !== cellKey(row))
      throw new BenchFailure(
        `--resume: row ${row.position} of ${path} (${cellKey(row)}) is not what this run measures there${turn === undefined ? '' : ` (${cellKey(turn.cell)})`}: begin a new run.`,
      )
    done.add(row.position)
  }
  return done
}
