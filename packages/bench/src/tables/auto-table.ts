import { TRANSPORT_TITLES, TRANSPORTS } from '../cells/cell.js'
import { pairedRatio, type RatioEstimate, summarize } from '../numbers/statistics.js'
import { bytesPerSecond, type Row } from '../record/record.js'
import { copiedText, rateText } from './sweep-table.js'
import { textTable } from './text-table.js'

/** Least throughput of `auto` as a share of the best fixed path's. */
export const AUTO_TARGET = 0.95

/** `auto` beside the fixed path that was fastest in the same cell. */
export interface AutoResult {
  transport: Row['transport']
  interval: number
  sizeBytes: number
  best: Row['backend']
  own: Row[]
  bestRows: Row[]
  ratio: RatioEstimate
}

/** Every cell of the writer level that has `auto` and a fixed path. */
export function autoResults(rows: readonly Row[]): AutoResult[] {
  const writer = rows.filter((row) => row.level === 'writer')
  const places = new Set(writer.map((row) => JSON.stringify([row.transport, row.interval, row.sizeBytes])))
  return [...places].flatMap((place): AutoResult[] => {
    const [transport, interval, sizeBytes] = JSON.parse(place) as [Row['transport'], number, number]
    const here = writer.filter((row) => row.transport === transport && row.interval === interval && row.sizeBytes === sizeBytes)
    const own = here.filter((row) => row.backend === 'auto')
    const fixed = new Set(here.map((row) => row.backend).filter(isRival))
    const middle = (backend: Row['backend']): number => summarize(here.filter((row) => row.backend === backend).map(bytesPerSecond)).median
    const [best] = [...fixed].sort((a, b) => middle(b) - middle(a))
    const bestRows = here.filter((row) => row.backend === best)
    const ratio = pairedRatio(ratesByRound(own), ratesByRound(bestRows))
    return best === undefined || ratio === undefined ? [] : [{ transport, interval, sizeBytes, best, own, bestRows, ratio }]
  })
}

/** `auto` sends from any memory; `uring-fixed` has memory of its own. */
function isRival(backend: Row['backend']): boolean {
  return backend !== 'auto' && backend !== 'uring-fixed'
}

function ratesByRound(rows: readonly Row[]): Map<number, number> {
  return new Map(rows.map((row) => [row.round, bytesPerSecond(row)]))
}

/** A line per cell; nothing where `auto` was not measured beside another. */
export function autoTable(rows: readonly Row[]): string[] {
  const order: readonly string[] = TRANSPORTS
  const results = autoResults(rows).sort(
    (a, b) => order.indexOf(a.transport) - order.indexOf(b.transport) || a.sizeBytes - b.sizeBytes || a.interval - b.interval,
  )
  if (results.length === 0) return []
  const body = results.map(({ transport, interval, sizeBytes, best, own, bestRows, ratio }) => [
    TRANSPORT_TITLES[transport],
    String(sizeBytes),
    String(interval),
    rateText(own),
    best,
    rateText(bestRows),
    `${ratio.median.toFixed(3)} [${ratio.low.toFixed(3)}, ${ratio.high.toFixed(3)}]`,
    ratio.median >= AUTO_TARGET ? 'met' : ratio.high >= AUTO_TARGET ? 'missed (interval reaches it)' : 'MISSED',
    `${copiedText(own)} / ${copiedText(bestRows)}`,
  ])
  return [
    '',
    `auto beside the fixed path that was fastest in the same cell, writer level (at least ${AUTO_TARGET} is wanted):`,
    ...textTable(['', 'bytes', 'interval', 'auto MB/s', 'best', 'its MB/s', 'auto / best', '', 'copied'], body, [
      'left',
      'right',
      'right',
      'right',
      'left',
      'right',
      'right',
      'left',
    ]),
  ]
}
