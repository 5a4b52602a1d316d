import type { HttpCounts } from '../http/http-turn.js'
import { median } from '../numbers/statistics.js'
import { textTable } from './text-table.js'

/** The turns of one path at one size, one for each round. */
export interface HttpRow {
  sizeBytes: number
  path: string
  turns: readonly HttpCounts[]
}

const cpuOf = ({ cpuUs, responses }: HttpCounts): number => cpuUs / responses
const rateOf = ({ responses, elapsedMs }: HttpCounts): number => (responses * 1_000) / elapsedMs

/** A line for each path and size. Ratios are paired by round with `plain`, the path without the transparent mode. */
export function httpTable(rows: readonly HttpRow[]): string[] {
  const header = ['bytes', 'path', 'µs/response', 'CPU', 'least', 'most', 'requests/s', 'rate', 'least', 'most', 'copied']
  const body = rows.map(({ sizeBytes, path, turns }) => {
    const plain = rows.find((row) => row.sizeBytes === sizeBytes && row.path === 'plain')?.turns ?? []
    const cpu = paired(turns, plain, cpuOf)
    const rate = paired(turns, plain, rateOf)
    return [
      String(sizeBytes),
      path,
      median(turns.map(cpuOf)).toFixed(1),
      ...(path === 'plain' ? ['', '', ''] : cpu),
      median(turns.map(rateOf)).toFixed(0),
      ...(path === 'plain' ? ['', '', ''] : rate),
      copiedShare(turns),
    ]
  })
  return textTable(header, body, ['right', 'left'])
}

function paired(turns: readonly HttpCounts[], plain: readonly HttpCounts[], value: (counts: HttpCounts) => number): string[] {
  const ratios = turns.map((turn, round) => value(turn) / value(plain[round] as HttpCounts))
  return [median(ratios), Math.min(...ratios), Math.max(...ratios)].map((ratio) => ratio.toFixed(3))
}

/** Share of the shared writes that the kernel copied; nothing where none was shared. */
function copiedShare(turns: readonly HttpCounts[]): string {
  const copied = turns.reduce((sum, turn) => sum + turn.copied, 0)
  const shared = turns.reduce((sum, turn) => sum + turn.zerocopy, copied)
  return shared === 0 ? '' : `${Math.round((copied / shared) * 100)} %`
}
