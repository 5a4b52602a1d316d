import { describe, expect, it } from 'vitest'
import { bootstrapMedian, median, pairedRatio, quantile, summarize } from '../src/numbers/statistics.js'

const rounds = (...values: number[]): Map<number, number> => new Map(values.map((value, round) => [round, value]))

describe('median and quantiles', () => {
  it('takes the middle of an odd number and the mean of the middle two of an even one', () => {
    expect(median([3, 1, 2])).toBe(2)
    expect(median([4, 1, 3, 2])).toBe(2.5)
    expect(median([7])).toBe(7)
  })

  it('does not reorder what it is given', () => {
    const values = [3, 1, 2]
    median(values)
    expect(values).toEqual([3, 1, 2])
  })

  it('interpolates between order statistics', () => {
    expect(quantile([0, 10], 0.25)).toBe(2.5)
    expect(quantile([1, 2, 3], 1)).toBe(3)
    expect(quantile([], 0.5)).toBeNaN()
  })

  it('gives the spread as half of the quartiles distance over the median', () => {
    expect(summarize([8, 9, 10, 11, 12])).toEqual({ count: 5, median: 10, min: 8, max: 12, relativeSpread: 0.1 })
  })
})

describe('bootstrap', () => {
  it('is the value itself where all are equal', () => {
    expect(bootstrapMedian([2, 2, 2, 2])).toEqual({ low: 2, high: 2 })
  })

  it('stays within the range and around the median, and repeats itself', () => {
    const values = [1.01, 1.02, 1.03, 1.04, 1.05, 1.06, 1.07]
    const { low, high } = bootstrapMedian(values)
    expect(low).toBeGreaterThanOrEqual(1.01)
    expect(high).toBeLessThanOrEqual(1.07)
    expect(low).toBeLessThan(1.04)
    expect(high).toBeGreaterThan(1.04)
    expect(bootstrapMedian(values)).toEqual({ low, high })
  })
})

describe('paired ratios', () => {
  it('cancels what moved both cells of a round', () => {
    const ratio = pairedRatio(rounds(110, 220, 55, 1_100), rounds(100, 200, 50, 1_000))
    expect(ratio?.median).toBeCloseTo(1.1, 10)
    expect(ratio?.low).toBeCloseTo(1.1, 10)
    expect(ratio?.verdict).toBe('faster')
  })

  it('calls an interval that straddles 1.00 no difference', () => {
    expect(pairedRatio(rounds(90, 110, 95, 105, 101), rounds(100, 100, 100, 100, 100))?.verdict).toBe('same')
    expect(pairedRatio(rounds(90, 91, 92), rounds(100, 100, 100))?.verdict).toBe('slower')
  })

  it('leaves out rounds that only one of them has', () => {
    const ours = new Map([
      [0, 100],
      [2, 300],
    ])
    expect(pairedRatio(ours, rounds(50, 60))).toMatchObject({ pairs: 1, median: 2 })
    expect(pairedRatio(ours, new Map([[1, 1]]))).toBeUndefined()
  })
})
