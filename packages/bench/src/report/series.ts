import { BASELINE } from '../cells/cell.js'
import { bootstrapMedian, median, pairedRatio, type RatioEstimate } from '../numbers/statistics.js'
import { bytesPerSecond, copiedShare, type Row } from '../record/record.js'
import type { Sender, SenderStyle } from './senders.js'

/** The middle of the rounds of one cell, with the bootstrap interval of that median. */
export interface Estimate {
  rounds: number
  median: number
  low: number
  high: number
}

/** One point of a line. */
export interface Point extends Estimate {
  /** Place on the x axis: an interval in sends, or a size in bytes. */
  x: number
}

/** One line of a picture. */
export interface Series {
  sender: Sender
  /** Looks; those of the sender when it is not given. */
  style?: SenderStyle
  points: Point[]
}

/** A number of one row; null where the row does not have it. */
export interface Metric {
  /** Names the axis, with its unit. */
  axis: string
  /** Decimals in tables. */
  digits: number
  of: (row: Row) => number | null
}

/** The metrics of the pictures. */
export const METRICS = {
  throughput: { axis: 'MB/s', digits: 0, of: (row) => bytesPerSecond(row) / 1e6 },
  sendsPerSecond: { axis: 'sends per second', digits: 0, of: (row) => row.sends / row.seconds },
  cpu: { axis: 'ns of CPU time per 1,000 bytes', digits: 1, of: (row) => nanosecondsPerKilobyte(row, 'both') },
  cpuUser: { axis: 'ns per 1,000 bytes in user mode', digits: 1, of: (row) => nanosecondsPerKilobyte(row, 'user') },
  cpuSystem: { axis: 'ns per 1,000 bytes in kernel mode', digits: 1, of: (row) => nanosecondsPerKilobyte(row, 'system') },
  calls: { axis: 'system calls per send', digits: 2, of: (row) => row.callsPerSend },
  rangeWidth: { axis: 'ids per notification', digits: 1, of: (row) => row.rangeWidthIds },
} as const satisfies Record<string, Metric>

function nanosecondsPerKilobyte(row: Row, mode: 'user' | 'system' | 'both'): number | null {
  if (row.cpuUserUs === null || row.cpuSystemUs === null || row.bytes === 0) return null
  const microseconds = (mode === 'system' ? 0 : row.cpuUserUs) + (mode === 'user' ? 0 : row.cpuSystemUs)
  return (microseconds * 1_000) / (row.bytes / 1_000)
}

/** Estimates that {@link memoized} keeps: many times the cells of one record; pictures, tables and sentences ask for the same ones. */
const MAX_KEPT_ESTIMATES = 20_000
const kept = new Map<string, Estimate | RatioEstimate | undefined>()

/** A bootstrap is thousands of medians, so none is made twice from the same numbers. */
function memoized<T extends Estimate | RatioEstimate | undefined>(key: string, make: () => T): T {
  if (kept.has(key)) return kept.get(key) as T
  if (kept.size >= MAX_KEPT_ESTIMATES) kept.clear()
  const made = make()
  kept.set(key, made)
  return made
}

/** The estimate over the rounds; undefined where no row has the number. */
export function estimate(rows: readonly Row[], metric: Metric): Estimate | undefined {
  const values = valuesOf(rows, metric)
  const [first] = values
  if (first === undefined) return undefined
  // Counts repeat exactly in most rounds: a resample of equal numbers is the same number.
  if (values.every((value) => value === first)) return { rounds: values.length, median: first, low: first, high: first }
  return memoized(values.join(' '), () => ({ rounds: values.length, median: median(values), ...bootstrapMedian(values) }))
}

/** The median over the rounds alone; undefined where no row has the number. */
export function middle(rows: readonly Row[], metric: Metric): number | undefined {
  const values = valuesOf(rows, metric)
  return values.length === 0 ? undefined : median(values)
}

function valuesOf(rows: readonly Row[], metric: Metric): number[] {
  return rows.map(metric.of).filter((value) => value !== null)
}

/** Ratio of two cells by a metric, paired by round. Undefined where no round has both. */
export function ratio(ours: readonly Row[], theirs: readonly Row[], metric: Metric): RatioEstimate | undefined {
  const [above, below] = [byRound(ours, metric), byRound(theirs, metric)]
  return memoized(`${[...above].join(' ')} / ${[...below].join(' ')}`, () => pairedRatio(above, below))
}

function byRound(rows: readonly Row[], metric: Metric): Map<number, number> {
  const values = new Map<number, number>()
  for (const row of rows) {
    const value = metric.of(row)
    if (value !== null) values.set(row.round, value)
  }
  return values
}

/** Distinct values, ascending. */
export function distinct(values: Iterable<number>): number[] {
  return [...new Set(values)].sort((a, b) => a - b)
}

/** Lines of a metric over `x`, one per sender, in the order of `senders`; senders without a point are left out. */
export function metricSeries(rows: readonly Row[], senders: readonly Sender[], metric: Metric, x: (row: Row) => number): Series[] {
  return lines(rows, senders, x, (own) => estimate(own, metric))
}

/** Lines of the gain over `baseline` in percent, paired by round; the baseline itself is not among them. */
export function gainSeries(
  rows: readonly Row[],
  senders: readonly Sender[],
  x: (row: Row) => number,
  metric: Metric = METRICS.throughput,
  baseline: Sender = BASELINE,
): Series[] {
  const others = senders.filter((sender) => sender !== baseline)
  return lines(rows, others, x, (own, at) => {
    const base = rows.filter((row) => row.backend === baseline && x(row) === at)
    const found = ratio(own, base, metric)
    if (found === undefined) return undefined
    return { rounds: found.pairs, median: percent(found.median), low: percent(found.low), high: percent(found.high) }
  })
}

/** A ratio as gain in percent: 1.12 is +12. */
export function percent(value: number): number {
  return (value - 1) * 100
}

function lines(
  rows: readonly Row[],
  senders: readonly Sender[],
  x: (row: Row) => number,
  estimateAt: (own: readonly Row[], at: number) => Estimate | undefined,
): Series[] {
  return senders
    .map((sender) => {
      const own = rows.filter((row) => row.backend === sender)
      const points = distinct(own.map(x)).flatMap((at): Point[] => {
        const found = estimateAt(
          own.filter((row) => x(row) === at),
          at,
        )
        return found === undefined ? [] : [{ x: at, ...found }]
      })
      return { sender, points }
    })
    .filter(({ points }) => points.length > 0)
}

/** Share of the messages of zero-copy paths that the kernel copied; null where no row has it. */
export function zeroCopyCopiedShare(rows: readonly Row[]): number | null {
  return copiedShare(rows.filter((row) => row.backend !== 'copy' && row.backend !== 'auto' && row.level !== 'peer'))
}
