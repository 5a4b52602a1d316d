import { BACKENDS, LEVELS, NAMED_PATHS, TRANSPORT_TITLES, TRANSPORTS } from '../cells/cell.js'
import { pairedRatio, type RatioEstimate, summarize } from '../numbers/statistics.js'
import type { ProcessorUse, Row } from '../record/record.js'
import { SLIDES_SIZES, type SlidesSize } from './published.js'
import { copiedText, rateText } from './sweep-table.js'
import { textTable } from './text-table.js'

/** The path that the others are a percentage of: `std` of the slides. */
const STANDARD: Row['backend'] = 'copy'

/** A cost of a send. Each has one source, which its title names. */
export interface Measure {
  title: string
  /** Cost per 1,000 bytes; null where the row does not have it. */
  of: (row: Row) => number | null
  /** The slides' figure beside it, which counts cycles for every measure. */
  published: (size: SlidesSize) => number
}

const process = (size: SlidesSize): number => size.processPercent
const allCpus = (size: SlidesSize): number => size.cpuPercent

/** Every measure that a record may have. */
export const MEASURES: readonly Measure[] = [
  {
    title: 'CPU ns/KB',
    of: (row) => (row.cpuUserUs === null || row.cpuSystemUs === null ? null : perKilobyte(row, (row.cpuUserUs + row.cpuSystemUs) * 1_000)),
    published: process,
  },
  { title: 'all CPUs ns/KB', of: (row) => perKilobyte(row, times(row.processor?.busyUs, 1_000)), published: allCpus },
  { title: 'cycles/KB', of: (row) => perKilobyte(row, times(row.processor?.cycles, 1)), published: process },
  { title: 'all CPUs cycles/KB', of: (row) => perKilobyte(row, times(row.processor?.allCycles, 1)), published: allCpus },
  ...(['perf', 'icount'] as const).flatMap((source): Measure[] => [
    { title: `instructions/KB (${source})`, of: (row) => perKilobyte(row, instructions(row, 'instructions', source)), published: process },
    {
      title: `all CPUs instructions/KB (${source})`,
      of: (row) => perKilobyte(row, instructions(row, 'allInstructions', source)),
      published: allCpus,
    },
  ]),
]

/** Instructions of a row where they were counted in this way, else null: the two ways never share a column. */
export function instructions(
  { processor }: Row,
  which: 'instructions' | 'allInstructions',
  source: ProcessorUse['instructionsFrom'],
): number | null {
  return processor === undefined || processor.instructionsFrom !== source ? null : processor[which]
}

function times(value: number | null | undefined, factor: number): number | null {
  return value == null ? null : value * factor
}

function perKilobyte(row: Row, cost: number | null): number | null {
  return cost === null || row.bytes === 0 ? null : cost / (row.bytes / 1_000)
}

/** Measures that at least one of the rows has. */
export function measuresOf(rows: readonly Row[]): Measure[] {
  return MEASURES.filter(({ of }) => rows.some((row) => of(row) !== null))
}

/** The cost of one path over another's, paired by round: 0.4 = 40 %. */
export function costRatio(own: readonly Row[], standard: readonly Row[], { of }: Measure): RatioEstimate | undefined {
  const byRound = (rows: readonly Row[]): Map<number, number> => {
    const values = new Map<number, number>()
    for (const row of rows) {
      const value = of(row)
      if (value !== null) values.set(row.round, value)
    }
    return values
  }
  return pairedRatio(byRound(own), byRound(standard))
}

/**
 * A table per transport and level, in the slides' order: for each size and path the cost of 1,000 bytes, as percent of their cost
 * with `copy`, beside the percentage that the slides have for MSG_ZEROCOPY.
 * @returns lines
 */
export function sizesTables(rows: readonly Row[]): string[] {
  const measures = measuresOf(rows)
  const header = ['bytes', 'path', 'MB/s', ...measures.flatMap(({ title }) => [title, '% of copy', 'slides']), 'copied']
  const lines: string[] = []
  for (const level of LEVELS) {
    for (const transport of TRANSPORTS) {
      const chosen = rows.filter((row) => row.level === level && row.transport === transport)
      if (chosen.length === 0) continue
      const intervals = [...new Set(chosen.map((row) => row.interval))].sort((a, b) => a - b)
      for (const interval of intervals) {
        const here = chosen.filter((row) => row.interval === interval)
        lines.push(
          '',
          `${TRANSPORT_TITLES[transport]}, ${level} level, interval ${interval}`,
          ...textTable(header, sizeLines(here, measures), ['right', 'left']),
        )
      }
    }
  }
  return lines
}

function sizeLines(rows: readonly Row[], measures: readonly Measure[]): string[][] {
  const sizes = [...new Set(rows.map((row) => row.sizeBytes))].sort((a, b) => a - b)
  const order: readonly string[] = [...BACKENDS, ...NAMED_PATHS]
  return sizes.flatMap((sizeBytes) => {
    const here = rows.filter((row) => row.sizeBytes === sizeBytes)
    const standard = here.filter((row) => row.backend === STANDARD)
    const backends = [...new Set(here.map((row) => row.backend))].sort((a, b) => order.indexOf(a) - order.indexOf(b))
    return backends.map((backend) => {
      const own = here.filter((row) => row.backend === backend)
      return [
        String(sizeBytes),
        backend,
        rateText(own),
        ...measures.flatMap((measure) => measureCells(own, standard, measure)),
        copiedText(own),
      ]
    })
  })
}

function measureCells(own: readonly Row[], standard: readonly Row[], measure: Measure): string[] {
  const values = own.map(measure.of).filter((value) => value !== null)
  const cost = values.length === 0 ? '-' : costText(summarize(values).median)
  const [first] = own
  if (first === undefined || first.backend === STANDARD) return [cost, '', '']
  const isTcp = first.transport === 'tcp4' || first.transport === 'tcp6'
  const published = isTcp ? SLIDES_SIZES.find(({ sizeBytes }) => sizeBytes === first.sizeBytes) : undefined
  return [cost, percentText(costRatio(own, standard, measure)), published === undefined ? '-' : String(measure.published(published))]
}

function costText(value: number): string {
  return value.toFixed(value >= 100 ? 0 : 1)
}

/** `41 [39, 44]`, or `no difference` where the interval straddles 100. */
export function percentText(ratio: RatioEstimate | undefined): string {
  if (ratio === undefined) return '-'
  if (ratio.verdict === 'same') return 'no difference'
  return `${percent(ratio.median)} [${percent(ratio.low)}, ${percent(ratio.high)}]`
}

function percent(ratio: number): string {
  return (ratio * 100).toFixed(0)
}
