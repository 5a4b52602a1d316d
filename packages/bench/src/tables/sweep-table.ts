import { BASELINE, type BackendLabel, TRANSPORT_TITLES, TRANSPORTS, type Transport } from '../cells/cell.js'
import { pairedRatio, type RatioEstimate, summarize } from '../numbers/statistics.js'
import { bytesPerSecond, copiedShare, type Row } from '../record/record.js'
import { textTable } from './text-table.js'

/** Rows of a sweep that belong to one part of the tables. */
interface Slice {
  level: string
  interval: number
  sizeBytes: number
}

/**
 * The paper's layout: one table per level and interval; a column per transport; for each path its MB/s with the spread, the
 * gain over errqueue (recvmsg) with its interval, and the share of the messages that the kernel copied.
 * @param rows - of one sweep; order does not matter
 * @returns lines
 */
export function sweepTables(rows: readonly Row[]): string[] {
  const lines: string[] = []
  for (const slice of slices(rows)) {
    const chosen = rows.filter((row) => row.level === slice.level && row.interval === slice.interval && row.sizeBytes === slice.sizeBytes)
    lines.push('', `${slice.level} level, interval ${slice.interval}, ${slice.sizeBytes} bytes`, ...sliceTable(chosen))
  }
  return lines
}

function slices(rows: readonly Row[]): Slice[] {
  const found = new Map<string, Slice>()
  for (const { level, interval, sizeBytes } of rows) found.set(`${level} ${interval} ${sizeBytes}`, { level, interval, sizeBytes })
  return [...found.values()].sort((a, b) => a.level.localeCompare(b.level) || a.sizeBytes - b.sizeBytes || a.interval - b.interval)
}

function sliceTable(rows: readonly Row[]): string[] {
  const transports = TRANSPORTS.filter((transport) => rows.some((row) => row.transport === transport))
  const backends = [...new Set(rows.map((row) => row.backend))].sort((a, b) => rank(a) - rank(b))
  const at = (transport: Transport, backend: Row['backend']): Row[] =>
    rows.filter((row) => row.transport === transport && row.backend === backend)
  const body: string[][] = []
  for (const backend of backends) {
    body.push([`${backend} MB/s`, ...transports.map((transport) => rateText(at(transport, backend)))])
    if (backend !== BASELINE) {
      body.push(['  gain', ...transports.map((transport) => gainText(ratioOf(at(transport, backend), at(transport, BASELINE))))])
    }
    body.push(['  copied', ...transports.map((transport) => copiedText(at(transport, backend)))])
  }
  return textTable(['', ...transports.map((transport) => TRANSPORT_TITLES[transport])], body)
}

/** The baseline stands first, as in the paper; then the others by name. */
function rank(backend: Row['backend']): number {
  const order: readonly (BackendLabel | string)[] = [BASELINE, 'errqueue-recvmmsg', 'inline', 'uring', 'copy', 'auto']
  const at = order.indexOf(backend)
  return at < 0 ? order.length : at
}

/** Throughput of `ours` over `theirs`, paired by round. */
export function ratioOf(ours: readonly Row[], theirs: readonly Row[]): RatioEstimate | undefined {
  return pairedRatio(rateByRound(ours), rateByRound(theirs))
}

function rateByRound(rows: readonly Row[]): Map<number, number> {
  return new Map(rows.map((row) => [row.round, bytesPerSecond(row)]))
}

/** `5123 ±3%`: median over the rounds in MB/s (10^6 bytes), and half the distance between the quartiles. */
export function rateText(rows: readonly Row[]): string {
  if (rows.length === 0) return '-'
  const { median, relativeSpread } = summarize(rows.map(bytesPerSecond))
  return `${(median / 1e6).toFixed(0)} ±${(relativeSpread * 100).toFixed(0)}%`
}

/** `+12.3% [+9.1, +14.0]`, or `no difference` where the interval straddles zero gain. */
export function gainText(ratio: RatioEstimate | undefined): string {
  if (ratio === undefined) return '-'
  if (ratio.verdict === 'same') return 'no difference'
  return `${signedPercent(ratio.median)}% [${signedPercent(ratio.low)}, ${signedPercent(ratio.high)}]`
}

/** `100% copied`, as on every stock kernel's loopback. `-` where the path reports no outcome. */
export function copiedText(rows: readonly Row[]): string {
  const share = copiedShare(rows)
  if (share === null) return '-'
  // Rounded outwards, so that 100 % and 0 % mean all and none.
  const percent = share === 1 || share === 0 ? String(share * 100) : Math.min(99.9, Math.max(0.1, share * 100)).toFixed(1)
  return `${percent}%`
}

function signedPercent(ratio: number): string {
  const percent = (ratio - 1) * 100
  return `${percent < 0 ? '' : '+'}${percent.toFixed(1)}`
}

/**
 * Costs of the paths beyond their throughput, over all transports and rounds of a cell's level and interval.
 * @returns lines of one table
 */
export function costTable(rows: readonly Row[]): string[] {
  const body: string[][] = []
  for (const slice of slices(rows)) {
    const chosen = rows.filter((row) => row.level === slice.level && row.interval === slice.interval && row.sizeBytes === slice.sizeBytes)
    const backends = [...new Set(chosen.map((row) => row.backend))].sort((a, b) => rank(a) - rank(b))
    for (const backend of backends) {
      const own = chosen.filter((row) => row.backend === backend)
      body.push([slice.level, String(slice.interval), backend, ...costCells(own)])
    }
  }
  return textTable(
    ['level', 'interval', 'path', 'calls/send', 'empty/send', 'ids/notification', 'user ns/KB', 'system ns/KB', 'copied'],
    body,
    ['left', 'right', 'left'],
  )
}

function costCells(rows: readonly Row[]): string[] {
  const sends = total(rows, (row) => row.sends)
  const kilobytes = total(rows, (row) => row.bytes) / 1_000
  const ids = total(rows, (row) => row.notifiedIds)
  const notifications = total(rows, (row) => row.notifications)
  return [
    fixed((total(rows, (row) => row.sendCalls) + total(rows, (row) => row.collectCalls)) / sends, 2),
    fixed(total(rows, (row) => row.emptyCollectCalls) / sends, 2),
    notifications === 0 ? '-' : fixed(ids / notifications, 1),
    fixed((total(rows, (row) => row.cpuUserUs) * 1_000) / kilobytes, 1),
    fixed((total(rows, (row) => row.cpuSystemUs) * 1_000) / kilobytes, 1),
    copiedText(rows),
  ]
}

function total(rows: readonly Row[], of: (row: Row) => number | null): number {
  return rows.reduce((sum, row) => sum + (of(row) ?? 0), 0)
}

function fixed(value: number, digits: number): string {
  return Number.isFinite(value) ? value.toFixed(digits) : '-'
}
