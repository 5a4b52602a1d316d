import { seededRandom } from './random.js'

/** Resamples of one bootstrap. */
export const BOOTSTRAP_RESAMPLES = 2_000

/** Share of the bootstrap's medians inside the interval. */
export const BOOTSTRAP_CONFIDENCE = 0.95

/** The middle of some numbers, with how far they lie apart. */
export interface Summary {
  /** Number of values. */
  count: number
  median: number
  min: number
  max: number
  /** Half the distance between the first and the third quartile, as a share of the median: 0.02 = half of the rounds lie within about 2 %. */
  relativeSpread: number
}

/** The ratio of two cells, round by round. */
export interface RatioEstimate {
  /** Rounds in which both cells were measured. */
  pairs: number
  /** Median of the paired ratios. */
  median: number
  /** Lower end of the bootstrap interval. */
  low: number
  /** Upper end of the bootstrap interval. */
  high: number
  /** `'same'` = the interval straddles 1.00: no difference was shown. */
  verdict: 'faster' | 'slower' | 'same'
}

/**
 * Quantile by linear interpolation between the two nearest order statistics.
 * @param sorted - ascending, at least one number
 * @param share - 0 to 1
 */
export function quantile(sorted: readonly number[], share: number): number {
  if (sorted.length === 0) return Number.NaN
  const at = (sorted.length - 1) * share
  const below = Math.floor(at)
  const low = sorted[below] as number
  const high = sorted[Math.min(below + 1, sorted.length - 1)] as number
  return low + (high - low) * (at - below)
}

/** Median; NaN of nothing. */
export function median(values: readonly number[]): number {
  return quantile(ascending(values), 0.5)
}

/** Summarizes the rounds of one cell. NaN throughout when there are none. */
export function summarize(values: readonly number[]): Summary {
  const sorted = ascending(values)
  const middle = quantile(sorted, 0.5)
  return {
    count: sorted.length,
    median: middle,
    min: sorted[0] ?? Number.NaN,
    max: sorted[sorted.length - 1] ?? Number.NaN,
    relativeSpread: (quantile(sorted, 0.75) - quantile(sorted, 0.25)) / 2 / middle,
  }
}

/**
 * Percentile bootstrap of the median: resample with replacement, take the median of each, and cut the tails.
 * With very few numbers this is their range.
 * The generator is seeded by a constant, so that the same record always prints the same interval.
 * @param values - at least one number
 */
export function bootstrapMedian(values: readonly number[]): { low: number; high: number } {
  const random = seededRandom(values.length)
  const medians: number[] = []
  const resample = new Array<number>(values.length)
  for (let i = 0; i < BOOTSTRAP_RESAMPLES; i++) {
    for (let j = 0; j < values.length; j++) resample[j] = values[Math.floor(random() * values.length)] as number
    medians.push(median(resample))
  }
  medians.sort((a, b) => a - b)
  const tail = (1 - BOOTSTRAP_CONFIDENCE) / 2
  return { low: quantile(medians, tail), high: quantile(medians, 1 - tail) }
}

/**
 * Ratio of `ours` over `theirs`, paired by round: a slow second of the machine slows both.
 * @param ours - value by round
 * @param theirs - value by round
 * @returns undefined where no round has both
 */
export function pairedRatio(ours: ReadonlyMap<number, number>, theirs: ReadonlyMap<number, number>): RatioEstimate | undefined {
  const ratios: number[] = []
  for (const [round, value] of ours) {
    const other = theirs.get(round)
    if (other !== undefined && other > 0) ratios.push(value / other)
  }
  if (ratios.length === 0) return undefined
  const { low, high } = bootstrapMedian(ratios)
  const verdict = low > 1 ? 'faster' : high < 1 ? 'slower' : 'same'
  return { pairs: ratios.length, median: median(ratios), low, high, verdict }
}

function ascending(values: readonly number[]): number[] {
  return [...values].sort((a, b) => a - b)
}
