import { BASELINE, TRANSPORT_TITLES, TRANSPORTS, type Transport } from '../cells/cell.js'
import { median, pairedRatio, type RatioEstimate } from '../numbers/statistics.js'
import type { Row } from '../record/record.js'
import { PAPER_GAINS_PERCENT } from './published.js'
import { copiedText, gainText, rateText, ratioOf } from './sweep-table.js'
import { textTable } from './text-table.js'

/** How the paper names the paths; the others keep their own names. */
const TITLES: Partial<Record<Row['backend'], string>> = {
  'errqueue-recvmsg': 'ZC',
  inline: 'New ZC',
  'errqueue-recvmmsg': 'ZC, recvmmsg',
  uring: 'io_uring',
  never: 'never collected',
}

const ORDER = Object.keys(TITLES) as Row['backend'][]

/** Names of the levels in these tables. */
const LEVEL_TITLES: Partial<Record<Row['level'], string>> = {
  selftest: 'C selftest (zc_throughput)',
  driver: 'TypeScript, driver level',
  writer: 'TypeScript, writer level',
}

/**
 * The paper's tables: for each level and interval ZC, New ZC and the gain beside the published one. Below stand the figures that explain a gain: ids a
 * notification covers, system calls of a send, the copied share.
 * @param rows - of one run; order does not matter
 * @param mark - follows each title: the remark on emulated figures
 * @returns lines
 */
export function paperTables(rows: readonly Row[], mark = ''): string[] {
  const lines: string[] = []
  for (const level of ['selftest', 'driver', 'writer'] as const) {
    const intervals = [...new Set(rows.filter((row) => row.level === level).map(({ interval }) => interval))].sort((a, b) => a - b)
    for (const interval of intervals) {
      const chosen = rows.filter((row) => row.level === level && row.interval === interval)
      const size = [...new Set(chosen.map(({ sizeBytes }) => sizeBytes))].join(', ')
      lines.push('', `${LEVEL_TITLES[level]}, interval ${interval}, ${size} bytes${mark}`, ...levelTable(chosen, interval))
    }
  }
  return lines
}

function levelTable(rows: readonly Row[], interval: number): string[] {
  const transports = TRANSPORTS.filter((transport) => rows.some((row) => row.transport === transport))
  const paths = ORDER.filter((path) => rows.some(({ backend }) => backend === path))
  const at = (transport: Transport, backend: Row['backend']): Row[] =>
    rows.filter((row) => row.transport === transport && row.backend === backend)
  const line = (title: string, of: (transport: Transport) => string): string[] => [title, ...transports.map(of)]
  const body: string[][] = []
  for (const path of paths) {
    const title = TITLES[path] ?? path
    body.push(line(`${title} MB/s`, (transport) => rateText(at(transport, path))))
    if (path !== BASELINE) {
      body.push(line('  Gain', (transport) => gainText(ratioOf(at(transport, path), at(transport, BASELINE)))))
      body.push(line("  Gain, sender's CPU", (transport) => gainText(cpuGain(at(transport, path), at(transport, BASELINE)))))
    }
    if (path === 'inline') body.push(line('  Gain published', (transport) => publishedText(interval, transport)))
    body.push(line('  ids/notification, calls/send', (transport) => costText(at(transport, path))))
    body.push(line('  copied', (transport) => copiedText(at(transport, path))))
  }
  for (const path of ['errqueue-recvmmsg', 'inline'] as const) {
    if (!paths.includes('never') || !paths.includes(path)) continue
    const title = `${TITLES[path]} recovers of what collecting costs`
    body.push(line(title, (transport) => recoveredText(at(transport, path), at(transport, BASELINE), at(transport, 'never'))))
  }
  return textTable(['', ...transports.map((transport) => TRANSPORT_TITLES[transport])], body)
}

function publishedText(interval: number, transport: Transport): string {
  const published = PAPER_GAINS_PERCENT.get(interval)?.[transport]
  return published === undefined ? '-' : `+${published.toFixed(2)}%`
}

/** Sends of one second of the sender's own CPU time, ours over theirs: above 1 = cheaper. Paired by round. */
export function cpuGain(ours: readonly Row[], theirs: readonly Row[]): RatioEstimate | undefined {
  return pairedRatio(bytesPerCpuSecond(ours), bytesPerCpuSecond(theirs))
}

function bytesPerCpuSecond(rows: readonly Row[]): Map<number, number> {
  const found = new Map<number, number>()
  for (const { round, bytes, cpuUserUs, cpuSystemUs } of rows) {
    const us = (cpuUserUs ?? 0) + (cpuSystemUs ?? 0)
    if (us > 0) found.set(round, (bytes * 1e6) / us)
  }
  return found
}

/** `1.7, 3.12`: medians over the rounds. */
function costText(rows: readonly Row[]): string {
  const widths = rows.flatMap(({ rangeWidthIds }) => rangeWidthIds ?? [])
  const calls = rows.flatMap(({ callsPerSend }) => callsPerSend ?? [])
  const text = (values: readonly number[], digits: number): string => (values.length === 0 ? '-' : median(values).toFixed(digits))
  return `${text(widths, 1)}, ${text(calls, 2)}`
}

/**
 * Share of the cost of collecting by recvmsg (over never collecting) that a path saves: the sender's CPU time, median over the
 * rounds. `-` where collecting was not shown to cost anything.
 */
function recoveredText(ours: readonly Row[], baseline: readonly Row[], never: readonly Row[]): string {
  const cost = cpuGain(never, baseline)
  if (cost?.verdict !== 'faster') return '-'
  const [own, classic, none] = [ours, baseline, never].map((rows) =>
    median([...bytesPerCpuSecond(rows).values()].map((rate) => 1 / rate)),
  ) as [number, number, number]
  return `${(((classic - own) / (classic - none)) * 100).toFixed(0)}%`
}
