import { TRANSPORT_TITLES } from '../cells/cell.js'
import { summarize } from '../numbers/statistics.js'
import type { Row } from '../record/record.js'
import { costRatio, measuresOf } from './sizes-table.js'
import { copiedText } from './sweep-table.js'
import { textTable } from './text-table.js'

/** A line per path and size: for each measure that the record has, its median for small pages and the ratio of huge over small ones. */
export function pagesTable(rows: readonly Row[]): string[] {
  const measures = measuresOf(rows)
  const places = new Map(rows.map((row) => [`${row.transport} ${row.backend} ${row.sizeBytes} ${row.interval}`, row]))
  const body = [...places.values()]
    .sort((a, b) => a.transport.localeCompare(b.transport) || a.backend.localeCompare(b.backend) || a.sizeBytes - b.sizeBytes)
    .map(({ transport, backend, sizeBytes, interval }) => {
      const here = rows.filter(
        (row) => row.transport === transport && row.backend === backend && row.sizeBytes === sizeBytes && row.interval === interval,
      )
      const [huge, small] = ['huge', 'small'].map((variant) => here.filter((row) => row.variant === variant)) as [Row[], Row[]]
      const costs = measures.flatMap((measure) => {
        const values = small.map(measure.of).filter((value) => value !== null)
        const ratio = costRatio(huge, small, measure)
        return [
          values.length === 0 ? '-' : summarize(values).median.toFixed(1),
          ratio === undefined ? '-' : `${ratio.median.toFixed(3)} [${ratio.low.toFixed(3)}, ${ratio.high.toFixed(3)}]`,
        ]
      })
      return [
        TRANSPORT_TITLES[transport],
        backend,
        String(sizeBytes),
        String(interval),
        ...costs,
        `${copiedText(huge)} / ${copiedText(small)}`,
      ]
    })
  const header = ['transport', 'path', 'bytes', 'interval', ...measures.flatMap(({ title }) => [`${title}, small`, 'huge/small']), 'copied']
  return textTable(header, body)
}
