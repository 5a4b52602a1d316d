import { LEVELS, TRANSPORT_TITLES } from '../cells/cell.js'
import type { BenchRecord, LatencyQuantiles, Row } from '../record/record.js'
import { KEPT_UP_SHARE } from '../tables/latency-table.js'
import { type CurveFrame, curves, scaleBetween } from './curves.js'
import { figureHtml, type Html, html, type IdSource, type TableData, tabsHtml } from './html.js'
import { legendHtml } from './legend.js'
import { sortSenders, styleOf } from './senders.js'
import { copiedRemark, places } from './sentences.js'
import { distinct, estimate, type Metric, middle, type Point, type Series } from './series.js'
import { copiedCell } from './tables.js'
import { grouped, listed, shortNumber, tickText } from './wording.js'

/** Both count from when a send should have begun. */
const EVENTS = ['sent', 'released'] as const
type Event = (typeof EVENTS)[number]

/** Shares of the sends: the axis has one over the share that took longer, so that each nine is as wide as the next. */
const QUANTILES = [
  { field: 'p50Us', title: '50 %', x: 2 },
  { field: 'p90Us', title: '90 %', x: 10 },
  { field: 'p99Us', title: '99 %', x: 100 },
  { field: 'p999Us', title: '99.9 %', x: 1_000 },
] as const satisfies readonly { field: keyof LatencyQuantiles; title: string; x: number }[]

const [HALF, , NINETY_NINE] = QUANTILES

/** Rows of one transport at one rate. */
interface RatePlace {
  title: string
  ratePerSecond: number
  rows: Row[]
}

/** How long sends take until they are sent and until they are released: a curve over the share of the sends, per transport and rate. */
export function latencyView(record: BenchRecord, ids: IdSource): Html {
  const tabs = LEVELS.flatMap((level) => {
    const rows = record.rows.filter((row) => row.level === level && row.latency !== undefined)
    const content = html`${EVENTS.map((event) => eventHtml(rows, level, event, ids))}`
    return rows.length === 0 ? [] : [{ title: `${level} level`, content }]
  })
  return tabs.length === 0 ? html`` : html`${legendHtml(record.rows)}${tabsHtml('Level', tabs, ids)}`
}

function ratePlaces(rows: readonly Row[]): RatePlace[] {
  return places(rows).flatMap(({ transport, rows: own }) =>
    distinct(own.flatMap((row) => row.latency?.ratePerSecond ?? [])).map((ratePerSecond) => ({
      title: `${TRANSPORT_TITLES[transport]}, ${grouped(String(ratePerSecond))} sends/s`,
      ratePerSecond,
      rows: own.filter((row) => row.latency?.ratePerSecond === ratePerSecond),
    })),
  )
}

function metricOf(event: Event, field: keyof LatencyQuantiles): Metric {
  return { axis: 'µs', digits: 1, of: (row) => row.latency?.[event][field] ?? null }
}

function latencySeries(rows: readonly Row[], event: Event): Series[] {
  return sortSenders(rows.map((row) => row.backend)).map((sender) => {
    const own = rows.filter((row) => row.backend === sender)
    const points = QUANTILES.flatMap(({ field, x }): Point[] => {
      const found = estimate(own, metricOf(event, field))
      return found === undefined ? [] : [{ x, ...found }]
    })
    return { sender, points }
  })
}

function eventHtml(rows: readonly Row[], level: string, event: Event, ids: IdSource): Html {
  const groups = ratePlaces(rows).map((place) => ({ ...place, series: latencySeries(place.rows, event) }))
  const frame: CurveFrame = {
    ticks: QUANTILES.map(({ x }) => x),
    xLabel: 'share of the sends',
    xText: (x) => QUANTILES.find((one) => one.x === x)?.title ?? '',
    yLabel: `µs until ${event} (log2)`,
    y: scaleBetween(groups.flatMap(({ series }) => series)),
    yTick: tickText,
    yText: (us) => `${shortNumber(us)} µs`,
  }
  const title = `How long until a send is ${event}, ${level} level`
  return figureHtml(
    {
      title,
      sentences: groups.flatMap((place) => latencySentences(place, event)),
      pictures: groups.map(({ title: heading, rows: own, series }) => ({
        heading,
        remark: copiedRemark(own),
        svg: curves(series, frame, `Microseconds until a send is ${event}, by share of the sends, ${heading}, ${level} level`),
      })),
      reading: [
        'Lower is better. Of the sends this share took at most so long.',
        'Sends begin at times fixed in advance (open loop), and their time counts from then, so that a stall counts for every send that it held up.',
        'Bands: 95 % bootstrap interval of the median over the rounds.',
      ].join(' '),
      table: latencyTable(title, groups, event),
    },
    ids,
  )
}

function latencyTable(caption: string, groups: readonly RatePlace[], event: Event): TableData {
  return {
    caption: `${caption}: µs, medians over the rounds`,
    header: ['transport and rate', 'path', ...QUANTILES.map(({ title }) => title), 'longest', 'sends/s reached', 'copied'],
    textColumns: 2,
    rows: groups.flatMap(({ title, rows }) =>
      sortSenders(rows.map((row) => row.backend)).map((sender) => {
        const own = rows.filter((row) => row.backend === sender)
        const fields = [...QUANTILES.map(({ field }) => field), 'maxUs'] as const
        const times = fields.map((field) => shortNumber(middle(own, metricOf(event, field)) ?? Number.NaN))
        return [title, sender, ...times, grouped((reached(own) ?? Number.NaN).toFixed(0)), copiedCell(own)]
      }),
    ),
  }
}

function reached(rows: readonly Row[]): number | undefined {
  return middle(rows, { axis: 'sends/s', digits: 0, of: (row) => row.sends / row.seconds })
}

/** The times of each path, and the paths that did not keep up with the rate. */
function latencySentences({ title, ratePerSecond, rows }: RatePlace, event: Event): string[] {
  const parts: string[] = []
  const late: string[] = []
  for (const sender of sortSenders(rows.map((row) => row.backend))) {
    const own = rows.filter((row) => row.backend === sender)
    const [half, most] = [HALF, NINETY_NINE].map(({ field }) => middle(own, metricOf(event, field)))
    const { label } = styleOf(sender)
    if (half !== undefined && most !== undefined) parts.push(`${label} ${shortNumber(half)} µs (99 %: ${shortNumber(most)} µs)`)
    if ((reached(own) ?? 0) < ratePerSecond * KEPT_UP_SHARE) late.push(label)
  }
  const sentences = [`On ${title}, half of the sends are ${event} within: ${listed(parts)}.`]
  if (late.length > 0) sentences.push(`On ${title}, ${listed(late)} did not keep up: the times tell how long the queue grew.`)
  return sentences
}
