import { BACKENDS, type BackendLabel, type Level, type PeerLabel, TRANSPORT_TITLES } from '../cells/cell.js'
import { pairedRatio, type RatioEstimate, summarize } from '../numbers/statistics.js'
import type { Row } from '../record/record.js'
import { copiedText } from './sweep-table.js'
import { textTable } from './text-table.js'

/** Two senders that are compared, and the ratio that ours has to reach. */
export interface Comparison {
  ours: { backend: BackendLabel; level: Level }
  peer: PeerLabel
  /** Least median ratio of sends per second. */
  target: number
  /** Least ratio at interval 1, where it differs: the C selftest pays a second recvmsg there that can only fail. */
  targetAtOne?: number
}

/** The comparisons of `bench peers`, each with the same mechanism on both sides. */
export const COMPARISONS: readonly Comparison[] = [
  { ours: { backend: 'errqueue-recvmsg', level: 'driver' }, peer: 'c-msg_zerocopy', target: 0.97, targetAtOne: 1 },
  { ours: { backend: 'errqueue-recvmmsg', level: 'driver' }, peer: 'c-msg_zerocopy', target: 0.97, targetAtOne: 1 },
  { ours: { backend: 'errqueue-recvmmsg', level: 'writer' }, peer: 'c-msg_zerocopy', target: 0.9 },
  { ours: { backend: 'uring', level: 'driver' }, peer: 'c-io_uring', target: 0.97 },
  { ours: { backend: 'uring', level: 'writer' }, peer: 'c-io_uring', target: 0.9 },
  { ours: { backend: 'uring-fixed', level: 'driver' }, peer: 'c-io_uring-fixed', target: 0.97 },
  { ours: { backend: 'uring-fixed', level: 'writer' }, peer: 'c-io_uring-fixed', target: 0.9 },
  { ours: { backend: 'copy', level: 'writer' }, peer: 'net.Socket.write', target: 1 },
  { ours: { backend: 'copy', level: 'writer' }, peer: 'dgram.send', target: 1 },
  { ours: { backend: 'auto', level: 'writer' }, peer: 'net.Socket.write', target: 1 },
  { ours: { backend: 'auto', level: 'writer' }, peer: 'dgram.send', target: 1 },
  { ours: { backend: 'uring-fixed', level: 'writer' }, peer: 'net.Socket.write', target: 1 },
  { ours: { backend: 'uring-fixed', level: 'writer' }, peer: 'dgram.send', target: 1 },
]

/** One line of the table. */
export interface ComparisonResult {
  comparison: Comparison
  transport: Row['transport']
  interval: number
  sizeBytes: number
  ours: Row[]
  theirs: Row[]
  ratio: RatioEstimate
  /** CPU time of ours over the peer's, per send: steadier than the rate where other work shares the machine. */
  cpuRatio: RatioEstimate | undefined
  target: number
}

/** Sends per second of full size: partial sends of a stream count for what they carried, on both sides. */
export function fullSendsPerSecond(row: Row): number {
  return row.bytes / row.sizeBytes / row.seconds
}

/** Pairs every comparison with its rows. */
export function compare(rows: readonly Row[]): ComparisonResult[] {
  const results: ComparisonResult[] = []
  for (const comparison of COMPARISONS) {
    const theirsAll = rows.filter((row) => row.backend === comparison.peer)
    for (const { transport, interval, sizeBytes } of distinctPlaces(theirsAll)) {
      const here = (row: Row): boolean => row.transport === transport && row.interval === interval && row.sizeBytes === sizeBytes
      const theirs = theirsAll.filter(here)
      const ours = rows.filter((row) => here(row) && row.backend === comparison.ours.backend && row.level === comparison.ours.level)
      const ratio = pairedRatio(ratesByRound(ours), ratesByRound(theirs))
      const target = interval === 1 ? (comparison.targetAtOne ?? comparison.target) : comparison.target
      const cpuRatio = pairedRatio(costsByRound(ours), costsByRound(theirs))
      if (ratio !== undefined) results.push({ comparison, transport, interval, sizeBytes, ours, theirs, ratio, cpuRatio, target })
    }
  }
  return results
}

function ratesByRound(rows: readonly Row[]): Map<number, number> {
  return new Map(rows.map((row) => [row.round, fullSendsPerSecond(row)]))
}

/** CPU time per send of full size, in microseconds; rows without it are left out. */
function costsByRound(rows: readonly Row[]): Map<number, number> {
  const costs = new Map<number, number>()
  for (const row of rows) {
    if (row.cpuUserUs !== null && row.cpuSystemUs !== null)
      costs.set(row.round, ((row.cpuUserUs + row.cpuSystemUs) * row.sizeBytes) / row.bytes)
  }
  return costs
}

function distinctPlaces(rows: readonly Row[]): Pick<Row, 'transport' | 'interval' | 'sizeBytes'>[] {
  const places = new Map<string, Pick<Row, 'transport' | 'interval' | 'sizeBytes'>>()
  for (const { transport, interval, sizeBytes } of rows)
    places.set(`${transport} ${interval} ${sizeBytes}`, { transport, interval, sizeBytes })
  const titles = Object.keys(TRANSPORT_TITLES)
  return [...places.values()].sort(
    (a, b) => a.sizeBytes - b.sizeBytes || titles.indexOf(a.transport) - titles.indexOf(b.transport) || a.interval - b.interval,
  )
}

/** The table of `bench peers`, as lines. */
export function peersTable(results: readonly ComparisonResult[]): string[] {
  const body = [...results]
    .sort((a, b) => order(a) - order(b))
    .map(({ comparison, transport, interval, sizeBytes, ours, theirs, ratio, cpuRatio, target }) => [
      `${comparison.ours.backend} ${comparison.ours.level}`,
      comparison.peer,
      transport,
      String(interval),
      String(sizeBytes),
      rate(ours),
      rate(theirs),
      ratio.median.toFixed(3),
      `[${ratio.low.toFixed(3)}, ${ratio.high.toFixed(3)}]`,
      cpuRatio === undefined ? '-' : `${cpuRatio.median.toFixed(2)} [${cpuRatio.low.toFixed(2)}, ${cpuRatio.high.toFixed(2)}]`,
      `${target.toFixed(2)} ${ratio.median >= target ? 'met' : ratio.high >= target ? 'missed (interval reaches it)' : 'MISSED'}`,
      `${copiedText(ours)} / ${copiedText(theirs)}`,
    ])
  return textTable(
    ['ours', 'peer', 'transport', 'interval', 'bytes', 'ours/s', 'peer/s', 'ratio', '95 %', 'CPU/send', 'target', 'copied'],
    body,
    ['left', 'left', 'left', 'right', 'right', 'right', 'right', 'right', 'left', 'left', 'left', 'left'],
  )
}

function order({ comparison }: ComparisonResult): number {
  return COMPARISONS.indexOf(comparison) * BACKENDS.length
}

function rate(rows: readonly Row[]): string {
  const { median, relativeSpread } = summarize(rows.map(fullSendsPerSecond))
  return `${median.toFixed(0)} ±${(relativeSpread * 100).toFixed(1)}%`
}
