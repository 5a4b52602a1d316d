import { describe, expect, it } from 'vitest'
import { seededRandom } from '../src/numbers/random.js'
import { interleave } from '../src/run/schedule.js'

const cells = ['a1', 'a2', 'a3', 'b1', 'b2', 'b3', 'c1', 'c2', 'c3']
const groupOf = (cell: string): string => cell[0] as string
const order = (seed: number): string[] => interleave(cells, 4, groupOf, seededRandom(seed)).map(({ cell, round }) => `${round}${cell}`)

describe('interleave', () => {
  it('measures every cell once per round, and finishes a round before the next', () => {
    const turns = interleave(cells, 4, groupOf, seededRandom(1))
    for (let round = 0; round < 4; round++) {
      const inRound = turns.slice(round * cells.length, (round + 1) * cells.length)
      expect(inRound.every((turn) => turn.round === round)).toBe(true)
      expect(inRound.map((turn) => turn.cell).sort()).toEqual(cells)
    }
  })

  it('keeps cells that are compared next to each other', () => {
    const groups = interleave(cells, 1, groupOf, seededRandom(3)).map(({ cell }) => groupOf(cell))
    expect(new Set([groups.slice(0, 3), groups.slice(3, 6), groups.slice(6)].map((part) => new Set(part).size))).toEqual(new Set([1]))
  })

  it('repeats an order from its seed, and changes it with the seed', () => {
    expect(order(42)).toEqual(order(42))
    expect(order(42)).not.toEqual(order(43))
  })

  it('shuffles the groups, and the cells within them, anew in each round', () => {
    const turns = interleave(cells, 12, groupOf, seededRandom(5))
    const inRound = (round: number): string[] => turns.filter((turn) => turn.round === round).map(({ cell }) => cell)
    const rounds = Array.from({ length: 12 }, (_, round) => inRound(round))
    const groupOrders = rounds.map((order) => [order[0], order[3], order[6]].map((cell) => groupOf(cell as string)).join(''))
    expect(new Set(groupOrders).size).toBeGreaterThan(2)
    const orderOfA = rounds.map((order) => order.filter((cell) => groupOf(cell) === 'a').join(''))
    expect(new Set(orderOfA).size).toBeGreaterThan(2)
  })
})
