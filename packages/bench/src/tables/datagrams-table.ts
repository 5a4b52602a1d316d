import { TRANSPORT_TITLES } from '../cells/cell.js'
import { pairedRatio, type RatioEstimate, summarize } from '../numbers/statistics.js'
import type { Row } from '../record/record.js'
import { copiedText } from './sweep-table.js'
import { textTable } from './text-table.js'

/** CPU time of a datagram that is compared with that of another, and the most that it may be. */
interface Comparison {
  /** Way of ours, by whichever path it was measured. */
  ours: string
  /** Way of the other. */
  over: string
  /** Path of the other. Left out: that of ours. */
  path?: Row['backend']
  /** Largest ratio that meets the bar. */
  bar: number
}

const NODE = 'dgram.send' as const

/** At least 4 times, and 1.5 times, the datagrams per CPU second are at most 1/4, and 1/1.5, of the CPU time per datagram. */
export const DATAGRAM_COMPARISONS: readonly Comparison[] = [
  { ours: 'segments', over: 'addressed', path: NODE, bar: 1 / 4 },
  { ours: 'segments, connected', over: 'connected', path: NODE, bar: 1 / 4 },
  { ours: 'connected', over: 'connected', path: NODE, bar: 1 / 1.5 },
  { ours: 'addressed', over: 'addressed', path: NODE, bar: 1 / 1.5 },
  { ours: 'addressed, each alone', over: 'addressed', path: NODE, bar: 1 / 1.5 },
  { ours: 'addressed to 100, each alone', over: 'addressed, each alone', bar: 1.1 },
  { ours: 'segments to 100', over: 'segments', bar: 1.1 },
  { ours: 'segments to 100, shared', over: 'segments, shared', bar: 1.1 },
  { ours: 'segments, shared', over: 'segments', path: 'copy', bar: 0.92 },
]

/** CPU time of a datagram, in microseconds. */
function costUs(row: Row): number {
  return ((row.cpuUserUs ?? Number.NaN) + (row.cpuSystemUs ?? Number.NaN)) / row.sends
}

const costs = (rows: readonly Row[]): Map<number, number> => new Map(rows.map((row) => [row.round, costUs(row)]))

/** Datagrams of one system call that sends; `-` where the sender does not count its calls. */
function perCall(rows: readonly Row[]): string {
  const known = rows.filter(({ sendCalls }) => sendCalls !== null)
  return known.length === 0 ? '-' : summarize(known.map((row) => row.sends / (row.sendCalls as number))).median.toFixed(0)
}

/** A line for each path and way. */
export function datagramsTable(rows: readonly Row[]): string[] {
  const body = [...groups(rows).values()].map((own) => {
    const [{ transport, backend, variant }] = own as [Row]
    const { median, relativeSpread } = summarize(own.map(costUs))
    return [
      TRANSPORT_TITLES[transport],
      backend,
      variant ?? '',
      `${median.toFixed(3)} ±${(relativeSpread * 100).toFixed(0)}%`,
      (1_000_000 / median).toFixed(0),
      perCall(own),
      copiedText(own),
    ]
  })
  const header = ['transport', 'path', 'way', 'CPU µs/datagram', 'datagrams/CPU s', 'datagrams/call', 'copied']
  return textTable(header, body, ['left', 'left', 'left'])
}

/** A line for each comparison that the rows allow, with its bar. */
export function datagramBars(rows: readonly Row[]): string[] {
  const all = groups(rows)
  const transports = [...new Set(rows.map((row) => row.transport))]
  const paths = [...new Set(rows.map((row) => row.backend))].filter((backend) => backend !== NODE)
  const body = transports.flatMap((transport) => {
    const costsOf = (backend: string, variant: string) => costs(all.get(keyOf({ transport, backend, variant })) ?? [])
    return DATAGRAM_COMPARISONS.flatMap(({ ours, over, path, bar }) =>
      paths.flatMap((own) => {
        const ratio = pairedRatio(costsOf(own, ours), costsOf(path ?? own, over))
        if (ratio === undefined) return []
        const met = ratio.median <= bar ? 'yes' : 'no'
        return [[TRANSPORT_TITLES[transport], `${own}, ${ours}`, `${path ?? own}, ${over}`, ratioText(ratio), bar.toFixed(2), met]]
      }),
    )
  })
  return textTable(['transport', 'CPU time of a datagram', 'over', 'ratio', 'bar', 'met'], body, ['left', 'left', 'left'])
}

function ratioText({ median, low, high }: RatioEstimate): string {
  return `${median.toFixed(3)} [${low.toFixed(3)}, ${high.toFixed(3)}]`
}

function keyOf({ transport, backend, variant }: { transport: string; backend: string | undefined; variant: string | undefined }): string {
  return JSON.stringify([transport, backend, variant])
}

function groups(rows: readonly Row[]): Map<string, Row[]> {
  const found = new Map<string, Row[]>()
  for (const row of [...rows].sort((a, b) => keyOf({ variant: undefined, ...a }).localeCompare(keyOf({ variant: undefined, ...b })))) {
    const key = keyOf({ variant: undefined, ...row })
    found.set(key, [...(found.get(key) ?? []), row])
  }
  return found
}
