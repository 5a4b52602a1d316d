import { type Random, shuffled } from '../numbers/random.js'

/** A cell in a round. */
export interface Scheduled<C> {
  cell: C
  /** From 0. */
  round: number
}

/**
 * Orders every cell of every round.
 *
 * A round holds each cell once. Cells that are compared with each other stand next to each other, in random order, so that a
 * paired ratio compares two moments that are close: the machine's slow changes (frequency, other tenants) then fall out of it.
 * The groups themselves are shuffled anew in each round, so that no cell always runs after the same other one.
 * @param cells - every cell once
 * @param rounds - at least 1
 * @param groupOf - cells with the same answer are compared with each other
 * @param random - source of the order
 */
export function interleave<C>(cells: readonly C[], rounds: number, groupOf: (cell: C) => string, random: Random): Scheduled<C>[] {
  const groups = new Map<string, C[]>()
  for (const cell of cells) {
    const key = groupOf(cell)
    const group = groups.get(key)
    if (group === undefined) groups.set(key, [cell])
    else group.push(cell)
  }
  const turns: Scheduled<C>[] = []
  for (let round = 0; round < rounds; round++) {
    for (const group of shuffled([...groups.values()], random)) {
      for (const cell of shuffled(group, random)) turns.push({ cell, round })
    }
  }
  return turns
}
