/** One measurement of a cell: its place in the run, and what bounds it. */
export interface Turn {
  /** From 0. */
  round: number
  /** Place in the run, from 0. */
  position: number
  /** Time of the cell, in ms. */
  runtimeMs: number
  /** Aborted when the user wants the run to end. */
  signal: AbortSignal
}

/** What a row says of its turn. */
export type TurnPlace = Pick<Turn, 'round' | 'position'>
