import { BASELINE, TRANSPORT_TITLES, TRANSPORTS, type Transport } from '../cells/cell.js'
import type { RatioEstimate } from '../numbers/statistics.js'
import type { Row } from '../record/record.js'
import { cpuGain } from './paper-table.js'
import { PAPER_GAINS_PERCENT } from './published.js'
import { textTable } from './text-table.js'

/** Paths that are compared with collecting by recvmsg, in the order of the lines. */
const PATHS = [
  ['errqueue-recvmmsg', 'recvmmsg'],
  ['uring', 'uring'],
  ['inline', 'inline'],
  ['never', 'never collected'],
] as const satisfies readonly (readonly [Row['backend'], string])[]

const LEVEL_TITLES: Partial<Record<Row['level'], string>> = { selftest: 'C', driver: 'driver', writer: 'writer' }

/**
 * The paper's question in one table for each transport: by how much each path beats collecting by recvmsg, in bytes per second of the sender's
 * own CPU time, over the interval. Never collecting bounds the gain of every path; the published gains stand below.
 * @param rows - of one run; order does not matter
 * @returns lines; none where there is only one interval
 */
export function questionTables(rows: readonly Row[]): string[] {
  const intervals = [...new Set(rows.map(({ interval }) => interval))].sort((a, b) => a - b)
  if (intervals.length < 2) return []
  return TRANSPORTS.filter((transport) => rows.some((row) => row.transport === transport)).flatMap((transport) => {
    const body = (['selftest', 'driver', 'writer'] as const).flatMap((level) =>
      PATHS.flatMap(([backend, title]) => {
        const own = rows.filter((row) => row.transport === transport && row.level === level)
        if (!own.some((row) => row.backend === backend)) return []
        const cells = intervals.map((interval) => {
          const here = own.filter((row) => row.interval === interval)
          const of = (path: Row['backend']): Row[] => here.filter((row) => row.backend === path)
          return percentText(cpuGain(of(backend), of(BASELINE)))
        })
        return [[`${LEVEL_TITLES[level] ?? level}: ${title}`, ...cells]]
      }),
    )
    return [
      '',
      `${TRANSPORT_TITLES[transport]}: gain in CPU time over recvmsg, %, by interval`,
      ...textTable(['', ...intervals.map(String)], [...body, ['paper: inline', ...intervals.map((one) => published(one, transport))]]),
    ]
  })
}

/** `+8.6 [1.7, 15.7]`; `0` where the interval straddles none. */
function percentText(ratio: RatioEstimate | undefined): string {
  if (ratio === undefined) return '-'
  if (ratio.verdict === 'same') return '0'
  const [middle, low, high] = [ratio.median, ratio.low, ratio.high].map((value) => ((value - 1) * 100).toFixed(1))
  return `${ratio.median > 1 ? '+' : ''}${middle} [${low}, ${high}]`
}

function published(interval: number, transport: Transport): string {
  return PAPER_GAINS_PERCENT.get(interval)?.[transport].toFixed(1).replace(/^/u, '+') ?? '-'
}
