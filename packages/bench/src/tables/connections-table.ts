import { BACKENDS } from '../cells/cell.js'
import { pairedRatio, type RatioEstimate, summarize } from '../numbers/statistics.js'
import type { Row } from '../record/record.js'
import { copiedText } from './sweep-table.js'
import { textTable } from './text-table.js'

/** CPU time of a row per send, in microseconds. */
function cpuUsPerSend(row: Row): number {
  return ((row.cpuUserUs ?? Number.NaN) + (row.cpuSystemUs ?? Number.NaN)) / row.sends
}

/** A line per level, transport, path and number of connections. */
export function connectionsTable(rows: readonly Row[]): string[] {
  const fewest = Math.min(...rows.map((row) => row.connections))
  const keys = new Set(rows.map((row) => JSON.stringify([row.level, row.transport, row.backend, row.connections])))
  const body = [...keys]
    .map((key) => JSON.parse(key) as [Row['level'], Row['transport'], Row['backend'], number])
    .sort((a, b) => a[0].localeCompare(b[0]) || a[1].localeCompare(b[1]) || rankOf(a[2]) - rankOf(b[2]) || a[3] - b[3])
    .map(([level, transport, backend, count]) => {
      const of = (wanted: number): Row[] =>
        rows.filter((row) => row.level === level && row.transport === transport && row.backend === backend && row.connections === wanted)
      const own = of(count)
      const { median, relativeSpread } = summarize(own.map(cpuUsPerSend))
      const ratio = count === fewest ? undefined : pairedRatio(costByRound(own), costByRound(of(fewest)))
      return [
        level,
        transport,
        backend,
        String(count),
        `${median.toFixed(2)} ±${(relativeSpread * 100).toFixed(0)}%`,
        summarize(own.map((row) => row.sends / row.seconds)).median.toFixed(0),
        summarize(own.map((row) => row.callsPerSend ?? Number.NaN)).median.toFixed(2),
        ratio === undefined ? '' : ratioText(ratio),
        copiedText(own),
      ]
    })
  return textTable(['level', 'transport', 'path', 'connections', 'CPU µs/send', 'sends/s', 'calls/send', 'ratio', 'copied'], body, [
    'left',
    'left',
    'left',
  ])
}

function ratioText({ median, low, high, verdict }: RatioEstimate): string {
  return verdict === 'same' ? 'no difference' : `${median.toFixed(2)} [${low.toFixed(2)}, ${high.toFixed(2)}]`
}

function rankOf(backend: Row['backend']): number {
  return (BACKENDS as readonly string[]).indexOf(backend)
}

function costByRound(rows: readonly Row[]): Map<number, number> {
  return new Map(rows.map((row) => [row.round, cpuUsPerSend(row)]))
}
