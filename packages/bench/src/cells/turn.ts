/** One measurement of a cell: its place in the run, and its bounds. */
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

/** The place that a row keeps of its turn. */
export type TurnPlace = Pick<Turn, 'round' | 'position'>
