import { LEVELS, TRANSPORT_TITLES } from '../cells/cell.js'
import type { BenchRecord, Row } from '../record/record.js'
import { PAPER_GAINS_PERCENT } from '../tables/published.js'
import { type Bar, barDomain, bars } from './bars.js'
import { type CurveFrame, curves, type PublishedPoint, scaleAround, scaleFromZero, scaleOfPowers } from './curves.js'
import { type FigureData, figureHtml, type Html, html, type IdSource, tabsHtml } from './html.js'
import { legendHtml } from './legend.js'
import { type Sender, sortSenders, styleOf } from './senders.js'
import * as say from './sentences.js'
import { distinct, gainSeries, METRICS, type Metric, metricSeries, type Series } from './series.js'
import { cpuTable, metricTable } from './tables.js'
import { grouped, shortNumber, signedPercent, tickText } from './wording.js'

/** How every band and whisker is made; stands below each picture. */
const BAND = 'Bands and whiskers: 95 % bootstrap interval of the median over the rounds; one that leaves the picture is cut at its edge.'

/** Levels that have a tab each. */
const SHOWN_LEVELS = ['selftest', ...LEVELS] as const

/** Names of the levels, as tabs. */
const LEVEL_TITLES: Record<(typeof SHOWN_LEVELS)[number], string> = {
  selftest: 'C selftest: zc_throughput of kernel/selftests',
  driver: 'Driver level: what the kernel path costs',
  writer: 'Writer level: what a user of ZeroCopyWriter gets',
}

/** Rows of a sweep that may stand in one picture: one level, one size, one number of connections. */
interface Slice {
  rows: readonly Row[]
  senders: readonly Sender[]
  intervals: readonly number[]
}

/**
 * The pictures of an interval sweep: a tab per level; in each, throughput, gain, the paper's gains, CPU time, system calls, widths.
 * @param record - whose rows carry intervals; several sizes or numbers of connections get a part each
 */
export function sweepView(record: BenchRecord, ids: IdSource): Html {
  const inline = record.probes.find((probe) => probe.backend === 'inline')
  const inlineReason = inline === undefined || inline.available ? undefined : inline.reason
  const parts: Html[] = [legendHtml(record.rows)]
  for (const sizeBytes of distinct(record.rows.map((row) => row.sizeBytes))) {
    const sized = record.rows.filter((row) => row.sizeBytes === sizeBytes)
    for (const connections of distinct(sized.map((row) => row.connections))) {
      const rows = sized.filter((row) => row.connections === connections)
      const tabs = SHOWN_LEVELS.flatMap((level) => {
        const own = rows.filter((row) => row.level === level)
        return own.length === 0 ? [] : [{ title: LEVEL_TITLES[level], content: levelHtml(own, level, inlineReason, ids) }]
      })
      if (tabs.length === 0) continue
      const title = `${grouped(String(sizeBytes))} bytes a send${connections === 1 ? '' : `, ${grouped(String(connections))} connections`}`
      parts.push(html`<p class="slice">${title}</p>\n${tabsHtml(`Level, ${title}`, tabs, ids)}`)
    }
  }
  return html`${parts}`
}

function levelHtml(rows: readonly Row[], level: string, inlineReason: string | undefined, ids: IdSource): Html {
  const slice: Slice = { rows, senders: sortSenders(rows.map((row) => row.backend)), intervals: distinct(rows.map((row) => row.interval)) }
  const figures = [
    throughputFigure(slice, level),
    gainFigure(slice, level),
    ...publishedFigures(slice, level, inlineReason),
    costFigure(slice, level),
    callsFigure(slice, level),
    widthFigure(slice, level),
  ]
  return html`${figures.filter((figure) => figure.pictures.length > 0).map((figure) => figureHtml(figure, ids))}`
}

/** Small pictures, one per transport, on the same scales. */
function multiples(
  slice: Slice,
  seriesOf: (rows: readonly Row[]) => Series[],
  frame: (all: readonly Series[]) => CurveFrame,
  what: string,
  publishedOf: (transport: Row['transport']) => readonly PublishedPoint[] = () => [],
): FigureData['pictures'] {
  const own = say
    .places(slice.rows)
    .map(({ transport, rows }) => ({ transport, title: TRANSPORT_TITLES[transport], rows, series: seriesOf(rows) }))
  const shown = own.filter(({ series }) => series.length > 0)
  const shared = frame(shown.flatMap(({ series }) => series))
  return shown.map(({ transport, title, rows, series }) => ({
    heading: title,
    remark: say.copiedRemark(rows),
    svg: curves(series, shared, `${what}, ${title}. The numbers stand in the table below.`, publishedOf(transport)),
  }))
}

function metricPictures(
  slice: Slice,
  metric: Metric,
  what: string,
  frame: (all: readonly Series[]) => Partial<CurveFrame>,
): FigureData['pictures'] {
  return multiples(
    slice,
    (rows) => metricSeries(rows, slice.senders, metric, (row) => row.interval),
    (all) => ({ ...intervalFrame(slice), yLabel: metric.axis, y: scaleFromZero(all), yTick: tickText, yText: shortNumber, ...frame(all) }),
    what,
  )
}

function intervalFrame(slice: Slice): Pick<CurveFrame, 'ticks' | 'xLabel' | 'xText'> {
  return { ticks: slice.intervals, xLabel: 'interval, sends between two collections (log2)', xText: String }
}

function throughputFigure(slice: Slice, level: string): FigureData {
  return {
    title: 'Throughput over the interval',
    sentences: say.throughputSentences(slice.rows),
    pictures: metricPictures(slice, METRICS.throughput, `Throughput in MB/s over the interval, ${level} level`, () => ({
      yText: (value) => grouped(value.toFixed(0)),
    })),
    reading: `Higher is better; 1 MB = 10⁶ bytes; one scale for all, from zero. ${BAND}`,
    table: metricTable(`Throughput, ${level} level`, slice.rows, METRICS.throughput, true),
  }
}

/** The paper's gains of inline, for the intervals of the picture. */
function publishedPoints({ intervals }: Slice, transport: Row['transport']): PublishedPoint[] {
  return [...PAPER_GAINS_PERCENT].flatMap(([interval, gains]) => {
    const gain = gains[transport as keyof typeof gains] as number | undefined
    return gain === undefined || !intervals.includes(interval) ? [] : [{ sender: 'inline' as const, x: interval, y: gain }]
  })
}

function gainFigure(slice: Slice, level: string): FigureData {
  const published = say.places(slice.rows).flatMap(({ transport }) => publishedPoints(slice, transport))
  return {
    title: 'Gain over errqueue, round by round',
    sentences: [
      'A ratio within one round is free of what the machine did between rounds; where a band covers the line of errqueue, there is no difference.',
    ],
    pictures: multiples(
      slice,
      (rows) => gainSeries(rows, slice.senders, (row) => row.interval),
      (all) => ({
        ...intervalFrame(slice),
        yLabel: 'gain in throughput over errqueue, %',
        y: scaleAround(
          all,
          0,
          published.map(({ y }) => y),
        ),
        yTick: (value) => `${value > 0 ? '+' : ''}${tickText(value)}`,
        yText: signedPercent,
        reference: { y: 0, label: 'errqueue' },
      }),
      `Gain over errqueue in percent over the interval, ${level} level`,
      (transport) => publishedPoints(slice, transport),
    ),
    reading: `Above the line: faster than errqueue (one range per recvmsg). Dashed, hollow points: what the paper published for inline, on its authors’ machine. ${BAND}`,
    table: metricTable(`Throughput and gain, ${level} level`, slice.rows, METRICS.throughput, true),
  }
}

/** One figure with a picture per interval of the paper that was measured. */
function publishedFigures(slice: Slice, level: string, inlineReason: string | undefined): FigureData[] {
  const intervals = [...PAPER_GAINS_PERCENT.keys()].filter((interval) => slice.intervals.includes(interval))
  if (intervals.length === 0) return []
  const groups = intervals.flatMap((interval) => say.places(slice.rows).map(({ transport, rows }) => ({ interval, transport, rows })))
  const drawn = groups.map((group) => ({
    ...group,
    bars: publishedBars(group.rows, group.interval, PAPER_GAINS_PERCENT.get(group.interval)?.[group.transport], slice.senders),
  }))
  const domain = barDomain(drawn.flatMap((group) => group.bars))
  return intervals.map((interval) => ({
    title: `Gain at interval ${interval}, beside the paper’s`,
    sentences: say.gainSentences(slice.rows, interval, inlineReason),
    pictures: drawn
      .filter((group) => group.interval === interval)
      .map((group) => ({
        heading: TRANSPORT_TITLES[group.transport],
        remark: say.copiedRemark(group.rows.filter((row) => row.interval === interval)),
        svg: bars(
          group.bars,
          domain,
          'gain in throughput over errqueue, %',
          `Gain over errqueue at interval ${interval} on ${TRANSPORT_TITLES[group.transport]}, ${level} level, beside the published gain`,
        ),
      })),
    reading: `Dashed outline: what the paper published for inline, on its authors’ machine. ${BAND}`,
    table: metricTable(
      `Throughput and gain at interval ${interval}, ${level} level`,
      slice.rows.filter((row) => row.interval === interval),
      METRICS.throughput,
      true,
    ),
  }))
}

function publishedBars(rows: readonly Row[], interval: number, published: number | undefined, senders: readonly Sender[]): Bar[] {
  const measured = gainSeries(rows, senders, (row) => row.interval).flatMap(({ sender, points }): Bar[] => {
    const point = points.find(({ x }) => x === interval)
    const { label, colour } = styleOf(sender)
    return point === undefined
      ? []
      : [{ label, colour, estimate: point, value: point.low <= 0 && point.high >= 0 ? 'no difference' : signedPercent(point.median) }]
  })
  if (published === undefined) return measured
  const paper = { median: published, low: published, high: published }
  return [{ label: 'inline, published', colour: '', estimate: paper, value: signedPercent(published), published: true }, ...measured]
}

function costFigure(slice: Slice, level: string): FigureData {
  return {
    title: 'CPU time per byte',
    sentences: say.cpuSentences(slice.rows),
    pictures: metricPictures(slice, METRICS.cpu, `CPU time per 1,000 bytes over the interval, ${level} level`, () => ({})),
    reading: `Lower is better. User and kernel mode of the sending process together (getrusage); on loopback the kernel’s part includes most of the reception. ${BAND}`,
    table: cpuTable(`CPU time of the sending process, ${level} level`, slice.rows),
  }
}

function callsFigure(slice: Slice, level: string): FigureData {
  return {
    title: 'System calls per send',
    sentences: say.callSentences(slice.rows),
    pictures: metricPictures(slice, METRICS.calls, `System calls per send over the interval, ${level} level`, () => ({})),
    reading: `Lower is better: calls that send and calls that collect notifications; the event loop’s own wait is not counted. ${BAND}`,
    table: metricTable(`System calls per send, ${level} level`, slice.rows, METRICS.calls, false),
  }
}

function widthFigure(slice: Slice, level: string): FigureData {
  return {
    title: 'Width of a notification',
    sentences: say.widthSentences(slice.rows),
    pictures: metricPictures(slice, METRICS.rangeWidth, `Ids per notification over the interval, ${level} level`, (all) => ({
      y: scaleOfPowers(all),
      yLabel: 'ids per notification (log2)',
    })),
    reading: `Wider ranges need fewer notifications. io_uring notifies of each message by itself. ${BAND}`,
    table: metricTable(`Ids per notification, ${level} level`, slice.rows, METRICS.rangeWidth, false),
  }
}
