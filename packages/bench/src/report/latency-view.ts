import { z } from 'zod'
import { TRANSPORT_TITLES } from '../cell.js'
import type { BenchRecord, Row } from '../record.js'
import { median } from '../statistics.js'
import { type Bar, barDomain, bars } from './bars.js'
import { figureHtml, type Html, html, type IdSource } from './html.js'
import { styleOf } from './senders.js'
import { copiedRemark, places } from './sentences.js'
import { listed, shortNumber } from './wording.js'

const quantilesSchema = z.looseObject({ p50Us: z.number(), p99Us: z.number(), p999Us: z.number() })

/**
 * What a row carries beyond the throughput when its command measures latency: microseconds from submit to sent and to released.
 * Read where it is there, whatever else the row carries.
 */
export const latencySchema = z.looseObject({
  latency: z.looseObject({ sent: quantilesSchema.optional(), released: quantilesSchema.optional() }),
})

/** From submit to which event. */
const EVENTS = ['sent', 'released'] as const

/** Shares of the sends, with their names. */
const QUANTILES = [
  ['p50Us', 'p50'],
  ['p99Us', 'p99'],
  ['p999Us', 'p99.9'],
] as const

/** Latencies of one path: the median over the rounds of each quantile. */
interface PathLatency {
  name: string
  colour: string
  /** Microseconds by the names in {@link QUANTILES}. */
  quantiles: [name: string, microseconds: number][]
}

/** True when any row of a record carries latencies. */
export function hasLatency(record: BenchRecord): boolean {
  return record.rows.some((row) => latencySchema.safeParse(row).success)
}

/** p50, p99 and p99.9 from submit to sent and from submit to released, a picture per transport. */
export function latencyView(record: BenchRecord, ids: IdSource): Html {
  return html`${EVENTS.map((event) => eventHtml(record.rows, event, ids))}`
}

function eventHtml(rows: readonly Row[], event: (typeof EVENTS)[number], ids: IdSource): Html {
  const groups = places(rows)
    .map(({ transport, rows: own }) => ({ title: TRANSPORT_TITLES[transport], rows: own, paths: pathLatencies(own, event) }))
    .filter(({ paths }) => paths.length > 0)
  if (groups.length === 0) return html``
  const drawn = groups.map((group) => ({ ...group, bars: group.paths.flatMap(latencyBars) }))
  const domain = barDomain(drawn.flatMap((group) => group.bars))
  return figureHtml(
    {
      title: `From submit to ${event}`,
      sentences: groups.map(({ title, paths }) => latencySentence(title, event, paths)),
      pictures: drawn.map((group) => ({
        heading: group.title,
        remark: copiedRemark(group.rows),
        svg: bars(
          group.bars,
          domain,
          `microseconds from submit to ${event}`,
          `Latency from submit to ${event} on ${group.title}, in microseconds`,
        ),
      })),
      reading:
        'Shorter is better. Per path: half of the sends, 99 of 100, 999 of 1,000 took at most this long; the median over the rounds.',
      table: {
        caption: `Microseconds from submit to ${event}`,
        header: ['transport', 'path', ...QUANTILES.map(([, name]) => name)],
        textColumns: 2,
        rows: groups.flatMap(({ title, paths }) =>
          paths.map((path) => [title, path.name, ...path.quantiles.map(([, us]) => shortNumber(us))]),
        ),
      },
    },
    ids,
  )
}

function pathLatencies(rows: readonly Row[], event: (typeof EVENTS)[number]): PathLatency[] {
  const paths = new Map<string, { colour: string; found: z.infer<typeof quantilesSchema>[] }>()
  for (const row of rows) {
    const found = latencySchema.safeParse(row).data?.latency[event]
    if (found === undefined) continue
    const { label, colour } = styleOf(row.backend)
    const name = `${label}, ${row.level}`
    const path = paths.get(name) ?? { colour, found: [] }
    path.found.push(found)
    paths.set(name, path)
  }
  return [...paths].map(([name, { colour, found }]) => ({
    name,
    colour,
    quantiles: QUANTILES.map(([field, title]) => [title, median(found.map((one) => one[field]))]),
  }))
}

function latencyBars({ name, colour, quantiles }: PathLatency): Bar[] {
  return quantiles.map(([title, us], at) => ({
    label: at === 0 ? `${name} ${title}` : title,
    value: `${shortNumber(us)} µs`,
    colour,
    estimate: { median: us, low: us, high: us },
  }))
}

function latencySentence(transport: string, event: string, paths: readonly PathLatency[]): string {
  const parts = paths.map(({ name, quantiles }) => {
    const [p50, p99] = quantiles
    return `${name} ${shortNumber(p50?.[1] ?? Number.NaN)} µs (99 of 100: ${shortNumber(p99?.[1] ?? Number.NaN)} µs)`
  })
  return `On ${transport}, half of the sends are ${event} within: ${listed(parts)}.`
}
