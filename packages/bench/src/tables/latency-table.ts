import { BACKENDS, TRANSPORT_TITLES } from '../cells/cell.js'
import { summarize } from '../numbers/statistics.js'
import type { LatencyQuantiles, Row } from '../record/record.js'
import { copiedText } from './sweep-table.js'
import { textTable } from './text-table.js'

/** Share of the rate that was asked for, below which a path did not keep up. */
export const KEPT_UP_SHARE = 0.99

const COLUMNS = [
  ['p50', 'p50Us'],
  ['p99', 'p99Us'],
  ['p99.9', 'p999Us'],
] as const satisfies readonly (readonly [string, keyof LatencyQuantiles])[]

/** Rows of one place and rate, by which they may be compared. */
interface RateSlice {
  title: string
  rows: Row[]
}

/** A table per transport, level, interval and rate. */
export function latencyTables(rows: readonly Row[]): string[] {
  return rateSlices(rows).flatMap(({ title, rows: own }) => ['', title, ...sliceTable(own)])
}

function rateSlices(rows: readonly Row[]): RateSlice[] {
  const found = new Map<string, RateSlice & { rank: string }>()
  for (const row of rows) {
    if (row.latency === undefined) continue
    const { ratePerSecond } = row.latency
    const title = `${TRANSPORT_TITLES[row.transport]}, ${row.level} level, interval ${row.interval}, ${ratePerSecond} sends/s of ${row.sizeBytes} bytes`
    const rank = `${row.transport} ${row.level} ${row.interval} ${String(ratePerSecond).padStart(9, '0')}`
    const slice = found.get(title) ?? { title, rank, rows: [] }
    slice.rows.push(row)
    found.set(title, slice)
  }
  return [...found.values()].sort((a, b) => a.rank.localeCompare(b.rank))
}

function sliceTable(rows: readonly Row[]): string[] {
  const header = [
    'path',
    ...COLUMNS.map(([title]) => `sent ${title}`),
    ...COLUMNS.map(([title]) => `released ${title}`),
    'begun p99',
    'reached/s',
    'calls/send',
    'copied',
  ]
  const body = BACKENDS.flatMap((backend) => {
    const own = rows.filter((row) => row.backend === backend)
    if (own.length === 0) return []
    return [
      [
        backend,
        ...COLUMNS.map(([, field]) => quantileText(own, (row) => row.latency?.sent[field])),
        ...COLUMNS.map(([, field]) => quantileText(own, (row) => row.latency?.released[field])),
        microseconds(summarize(own.map((row) => row.latency?.begun.p99Us ?? Number.NaN)).median),
        reachedText(own),
        summarize(own.map((row) => row.callsPerSend ?? Number.NaN)).median.toFixed(2),
        copiedText(own),
      ],
    ]
  })
  return textTable(header, body)
}

function quantileText(rows: readonly Row[], of: (row: Row) => number | undefined): string {
  const { median, relativeSpread } = summarize(rows.map((row) => of(row) ?? Number.NaN))
  return `${microseconds(median)} ±${(relativeSpread * 100).toFixed(0)}%`
}

function microseconds(us: number): string {
  return us.toFixed(us < 100 ? 1 : 0)
}

/** Sends per second that were reached. A mark shows that the path did not keep up: its latencies then measure the queue. */
function reachedText(rows: readonly Row[]): string {
  const reached = summarize(rows.map((row) => row.sends / row.seconds)).median
  const asked = rows[0]?.latency?.ratePerSecond ?? 0
  return `${reached.toFixed(0)}${reached < asked * KEPT_UP_SHARE ? ' (overloaded)' : ''}`
}
