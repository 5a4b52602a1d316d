import { LEVELS, TRANSPORT_TITLES, TRANSPORTS } from '../cells/cell.js'
import type { Row } from '../record/record.js'
import { costRatio, measuresOf, percentText } from './sizes-table.js'
import { rateText, ratioOf } from './sweep-table.js'
import { textTable } from './text-table.js'

/**
 * The gain of registered memory: `uring-fixed` over `uring`, a line per transport, level, interval and size.
 * @returns lines; none where the two were not measured together
 */
export function registeredTable(rows: readonly Row[]): string[] {
  const cpu = measuresOf(rows).slice(0, 1)
  const order: readonly string[] = [...TRANSPORTS, ...LEVELS]
  const places = new Map<string, Row>()
  for (const row of rows) if (row.backend === 'uring-fixed') places.set(placeOf(row), row)
  const sorted = [...places].sort(
    ([, a], [, b]) =>
      order.indexOf(a.transport) - order.indexOf(b.transport) ||
      order.indexOf(a.level) - order.indexOf(b.level) ||
      a.interval - b.interval ||
      a.sizeBytes - b.sizeBytes,
  )
  const body = sorted.flatMap(([place, { transport, level, interval, sizeBytes }]) => {
    const here = rows.filter((row) => placeOf(row) === place)
    const fixed = here.filter(({ backend }) => backend === 'uring-fixed')
    const plain = here.filter(({ backend }) => backend === 'uring')
    if (plain.length === 0) return []
    const costs = cpu.map((measure) => percentText(costRatio(fixed, plain, measure)))
    return [
      [TRANSPORT_TITLES[transport], level, interval, sizeBytes, rateText(fixed), percentText(ratioOf(fixed, plain)), ...costs].map(String),
    ]
  })
  if (body.length === 0) return []
  const header = ['', 'level', 'interval', 'bytes', 'MB/s', 'rate, % of uring', ...cpu.map(({ title }) => `${title}, % of uring`)]
  return ['', 'uring-fixed beside uring: registered memory (fixedBuffers)', ...textTable(header, body, ['left', 'left'])]
}

function placeOf({ transport, level, interval, sizeBytes }: Row): string {
  return JSON.stringify([transport, level, interval, sizeBytes])
}
