import { TRANSPORT_TITLES, TRANSPORTS } from '../cells/cell.js'
import { type RatioEstimate, summarize } from '../numbers/statistics.js'
import type { Row } from '../record/record.js'
import { costRatio, MEASURES, type Measure } from './sizes-table.js'
import { rateText } from './sweep-table.js'
import { textTable } from './text-table.js'

const CPU = MEASURES[0] as Measure

/** `0.97 [0.95, 0.99]`. */
function ratioText(ratio: RatioEstimate | undefined): string {
  return ratio === undefined ? '-' : `${ratio.median.toFixed(3)} [${ratio.low.toFixed(3)}, ${ratio.high.toFixed(3)}]`
}

/** What a row of `bench files` measured. */
export const wayOfFile = ({ backend, variant }: Row): string => {
  if (backend === 'sendfile') return 'sendfile(2) in C'
  return variant === 'createReadStream'
    ? 'pipeline(createReadStream, socket)'
    : variant === undefined
      ? `write() of memory, ${backend}`
      : `writeFile(), ${backend}`
}

/** A table per transport and size: what a way costs, over the loop in C and over the stream. */
export function filesTables(rows: readonly Row[]): string[] {
  const lines: string[] = []
  for (const transport of TRANSPORTS) {
    const found = rows.filter((row) => row.transport === transport)
    for (const sizeBytes of [...new Set(found.map((row) => row.sizeBytes))].sort((a, b) => a - b)) {
      const here = found.filter((row) => row.sizeBytes === sizeBytes)
      const of = (way: string): Row[] => here.filter((row) => wayOfFile(row) === way)
      const ways = [...new Set(here.map(wayOfFile))].sort()
      const body = ways.map((way) => {
        const costs = of(way)
          .map(CPU.of)
          .filter((value) => value !== null)
        const overC = ratioText(costRatio(of(way), of('sendfile(2) in C'), CPU))
        const overStream = ratioText(costRatio(of(way), of('pipeline(createReadStream, socket)'), CPU))
        return [way, rateText(of(way)), costs.length === 0 ? '-' : summarize(costs).median.toFixed(1), overC, overStream]
      })
      const header = ['way', 'MB/s', 'CPU ns/KB', 'CPU over C', 'CPU over the stream']
      lines.push('', `${TRANSPORT_TITLES[transport]}, files of ${sizeBytes} bytes`, ...textTable(header, body))
    }
  }
  return lines
}
