import { BASELINE, TRANSPORT_TITLES } from '../cells/cell.js'
import { copiedShare, type Row } from '../record/record.js'
import type { TableData } from './html.js'
import { sortSenders } from './senders.js'
import { distinct, type Estimate, estimate, METRICS, type Metric, middle, percent, ratio } from './series.js'
import { grouped, sharePercent, shortNumber, signedPercent } from './wording.js'

/** Columns that name a cell, in tables of cells. */
export const CELL_COLUMNS = ['transport', 'interval', 'path'] as const

/** Rows of one cell and what names it. */
interface CellRows {
  names: string[]
  rows: readonly Row[]
  /** Rows of the baseline beside it. */
  baseline: readonly Row[]
}

/** The cells of one level and size, in the order of a reader: transport, interval, path. */
export function cellsOf(rows: readonly Row[]): CellRows[] {
  const cells: CellRows[] = []
  for (const transport of Object.keys(TRANSPORT_TITLES) as (keyof typeof TRANSPORT_TITLES)[]) {
    const own = rows.filter((row) => row.transport === transport)
    for (const interval of distinct(own.map((row) => row.interval))) {
      const at = own.filter((row) => row.interval === interval)
      const baseline = at.filter((row) => row.backend === BASELINE)
      for (const sender of sortSenders(at.map((row) => row.backend))) {
        const names = [TRANSPORT_TITLES[transport], String(interval), sender]
        cells.push({ names, rows: at.filter((row) => row.backend === sender), baseline })
      }
    }
  }
  return cells
}

/** A table of one metric: median, interval, rounds, and the copied share; with `withGain` the ratio to the baseline. */
export function metricTable(caption: string, rows: readonly Row[], metric: Metric, withGain: boolean): TableData {
  const gain = withGain ? ['gain over errqueue', '95 % interval of the gain'] : []
  return {
    caption,
    header: [...CELL_COLUMNS, metric.axis, '95 % interval', ...gain, 'rounds', 'copied'],
    textColumns: CELL_COLUMNS.length,
    rows: cellsOf(rows).flatMap(({ names, rows: own, baseline }) => {
      const found = estimate(own, metric)
      if (found === undefined) return []
      const gains = withGain ? gainCells(own, baseline, metric) : []
      return [[...names, numberText(found.median, metric), intervalText(found, metric), ...gains, String(found.rounds), copiedCell(own)]]
    }),
  }
}

function gainCells(own: readonly Row[], baseline: readonly Row[], metric: Metric): string[] {
  const found = own[0]?.backend === BASELINE ? undefined : ratio(own, baseline, metric)
  if (found === undefined) return ['–', '–']
  const range = `${signedPercent(percent(found.low))} to ${signedPercent(percent(found.high))}`
  return [found.verdict === 'same' ? 'no difference' : signedPercent(percent(found.median)), range]
}

/** A number with the metric's decimals. */
export function numberText(value: number, metric: Metric): string {
  return metric.digits === 0 ? grouped(value.toFixed(0)) : grouped(value.toFixed(metric.digits))
}

/** `low to high`. */
export function intervalText({ low, high }: Pick<Estimate, 'low' | 'high'>, metric: Metric): string {
  return `${numberText(low, metric)} to ${numberText(high, metric)}`
}

/** The copied share of one cell; a dash where the path does not report it. */
export function copiedCell(rows: readonly Row[]): string {
  const share = copiedShare(rows)
  return share === null ? '–' : sharePercent(share)
}

/** User and kernel mode apart. */
export function cpuTable(caption: string, rows: readonly Row[]): TableData {
  return {
    caption,
    header: [...CELL_COLUMNS, METRICS.cpu.axis, '95 % interval', 'user mode', 'kernel mode', 'rounds', 'copied'],
    textColumns: CELL_COLUMNS.length,
    rows: cellsOf(rows).flatMap(({ names, rows: own }) => {
      const both = estimate(own, METRICS.cpu)
      const [user, system] = [METRICS.cpuUser, METRICS.cpuSystem].map((metric) => middle(own, metric))
      if (both === undefined || user === undefined || system === undefined) return []
      const range = intervalText(both, METRICS.cpu)
      return [[...names, shortNumber(both.median), range, shortNumber(user), shortNumber(system), String(both.rounds), copiedCell(own)]]
    }),
  }
}

/** Everything that every row has, one line per cell: for commands without a view of their own. */
export function genericTable(caption: string, rows: readonly Row[]): TableData {
  const keys = new Map<string, Row[]>()
  for (const row of rows) {
    const key = JSON.stringify([row.transport, row.sizeBytes, row.connections, row.interval, row.level, row.backend, row.variant])
    const own = keys.get(key)
    if (own === undefined) keys.set(key, [row])
    else own.push(row)
  }
  const text = (own: readonly Row[], metric: Metric): string => {
    const found = middle(own, metric)
    return found === undefined ? '–' : numberText(found, metric)
  }
  return {
    caption,
    header: [
      'transport',
      'path',
      'level',
      'interval',
      'bytes',
      'connections',
      'MB/s',
      '95 % interval',
      'sends/s',
      'CPU ns/1,000 B',
      'calls/send',
      'ids/notification',
      'rounds',
      'copied',
    ],
    textColumns: 3,
    rows: [...keys.values()].map((own) => {
      const [{ transport, backend, level, interval, sizeBytes, connections, variant }] = own as [Row]
      const rate = estimate(own, METRICS.throughput) as Estimate
      return [
        TRANSPORT_TITLES[transport],
        variant === undefined ? backend : `${backend} (${variant})`,
        level,
        String(interval),
        grouped(String(sizeBytes)),
        grouped(String(connections)),
        numberText(rate.median, METRICS.throughput),
        intervalText(rate, METRICS.throughput),
        text(own, METRICS.sendsPerSecond),
        text(own, METRICS.cpu),
        text(own, METRICS.calls),
        text(own, METRICS.rangeWidth),
        String(rate.rounds),
        copiedCell(own),
      ]
    }),
  }
}
