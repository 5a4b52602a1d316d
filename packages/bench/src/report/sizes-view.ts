import { isStream, LEVELS, TRANSPORT_TITLES } from '../cells/cell.js'
import type { BenchRecord, ProcessorUse, Row } from '../record/record.js'
import { SLIDES_SIZES, type SlidesSize } from '../tables/published.js'
import { type CurveFrame, curves, scaleFromZero } from './curves.js'
import { figureHtml, type Html, html, type IdSource, type TableData, tabsHtml } from './html.js'
import { legendHtml } from './legend.js'
import { sortSenders, styleOf } from './senders.js'
import { copiedRemark, places } from './sentences.js'
import { distinct, gainSeries, METRICS, type Metric, metricSeries, type Series } from './series.js'
import { genericTable } from './tables.js'
import { listed, shortNumber, sizeText, tickText } from './wording.js'

/** The slides' table: the cost of zero-copy as percent of copying, by size; a tab per level. */
export function sizesView(record: BenchRecord, ids: IdSource): Html {
  const tabs = LEVELS.flatMap((level) => {
    const rows = record.rows.filter((row) => row.level === level)
    return rows.length === 0 ? [] : [{ title: `${level} level`, content: levelHtml(rows, level, ids) }]
  })
  return tabs.length === 0 ? html`` : html`${legendHtml(record.rows)}${tabsHtml('Level', tabs, ids)}`
}

/** The cost of each path as percent of copying's, paired by round: 100 = no gain. */
export function percentOfCopy(rows: readonly Row[], metric: Metric = METRICS.cpu): Series[] {
  return gainSeries(rows, sortSenders(rows.map((row) => row.backend)), (row) => row.sizeBytes, metric, 'copy').map((series) => ({
    ...series,
    points: series.points.map((point) => ({ ...point, median: point.median + 100, low: point.low + 100, high: point.high + 100 })),
  }))
}

function levelHtml(rows: readonly Row[], level: string, ids: IdSource): Html {
  const intervals = distinct(rows.map((row) => row.interval))
  return html`${intervals.map((interval) => {
    const own = rows.filter((row) => row.interval === interval)
    const sources = SOURCES.filter(({ metric }) => own.some((row) => metric.of(row) !== null))
    return html`${sources.map((source) => figure(own, `${level} level, interval ${interval}`, source, ids))}`
  })}`
}

/** A cost and where its figures come from: each has a picture of its own, so that none stands in for another. */
interface Source {
  /** In running text: `needs, of copy's ...`. */
  what: string
  metric: Metric
  /** The line of the slides beside it. */
  published: 'process' | 'all CPUs'
  /** A sentence for the reader. */
  source: string
}

function extra(axis: string, of: (use: ProcessorUse) => number | null, factor: number): Metric {
  return {
    axis,
    digits: 1,
    of: (row) => {
      const value = row.processor === undefined || row.bytes === 0 ? null : of(row.processor)
      return value === null ? null : (value * factor) / (row.bytes / 1_000)
    },
  }
}

function instructionSources(from: NonNullable<ProcessorUse['instructionsFrom']>, how: string): Source[] {
  const counted = (use: ProcessorUse, value: number | null): number | null => (use.instructionsFrom === from ? value : null)
  return [
    {
      what: 'instructions',
      metric: extra('instructions per 1,000 bytes', (use) => counted(use, use.instructions), 1),
      published: 'process',
      source: `Source of ours: instructions of the sending process, ${how}, not cycles.`,
    },
    {
      what: 'instructions of all CPUs',
      metric: extra('instructions of all CPUs per 1,000 bytes', (use) => counted(use, use.allInstructions), 1),
      published: 'all CPUs',
      source: `Source of ours: instructions of all CPUs, ${how}, not cycles.`,
    },
  ]
}

const SOURCES: readonly Source[] = [
  {
    what: 'CPU time',
    metric: METRICS.cpu,
    published: 'process',
    source: 'Source of ours: CPU time of the sending process (getrusage), not cycles.',
  },
  {
    what: 'CPU time of all CPUs',
    metric: extra('ns of all CPUs per 1,000 bytes', ({ busyUs }) => busyUs, 1_000),
    published: 'all CPUs',
    source: 'Source of ours: time that all CPUs were not idle (/proc/stat, in ticks), not cycles.',
  },
  {
    what: 'cycles',
    metric: extra('cycles per 1,000 bytes', ({ cycles }) => cycles, 1),
    published: 'process',
    source: 'Source of ours: cycles of the sending process, counted by the hardware.',
  },
  {
    what: 'cycles of all CPUs',
    metric: extra('cycles of all CPUs per 1,000 bytes', ({ allCycles }) => allCycles, 1),
    published: 'all CPUs',
    source: 'Source of ours: cycles of all CPUs, counted by the hardware.',
  },
  ...instructionSources('perf', 'counted by the hardware'),
  ...instructionSources('icount', 'counted by QEMU’s virtual clock (-icount)'),
]

function figure(rows: readonly Row[], title: string, { what, metric, published: line, source }: Source, ids: IdSource): Html {
  const sizes = distinct(rows.map((row) => row.sizeBytes))
  const own = places(rows).map((place) => ({ ...place, series: percentOfCopy(place.rows, metric) }))
  const withRatio = own.filter(({ series }) => series.length > 0)
  const published = publishedSeries(sizes, line)
  const all = [...withRatio.flatMap(({ series }) => series), ...published]
  const frame: CurveFrame = {
    ticks: sizes,
    xLabel: 'bytes of one send (log2)',
    xText: sizeText,
    yLabel: `${what} per byte as % of copy’s`,
    y: scaleFromZero([...all, { sender: 'copy', points: [{ x: 1, rounds: 1, median: 100, low: 100, high: 100 }] }]),
    yTick: tickText,
    yText: (value) => `${shortNumber(value)} %`,
  }
  const absolute = metricSeries(rows, ['copy'], metric, (row) => row.sizeBytes)
  return figureHtml(
    {
      title: `Zero-copy as percent of copying, by size: ${what}, ${title}`,
      sentences: [
        ...withRatio.flatMap(({ transport, series }) => sizeSentences(TRANSPORT_TITLES[transport], series, what)),
        publishedSentence(),
      ],
      pictures: withRatio.map(({ transport, rows: placed, series }) => ({
        heading: TRANSPORT_TITLES[transport],
        remark: copiedRemark(placed),
        svg: curves(
          isStream(transport) ? [...series, ...published] : series,
          frame,
          `${what} per byte as percent of copying, by size, ${TRANSPORT_TITLES[transport]}, ${title}`,
        ),
      })),
      reading: [
        'Below 100: zero-copy is cheaper.',
        `Stars: cycles published in the slides, of ${line === 'process' ? 'the process' : 'all CPUs'}, on their authors’ machine.`,
        source,
        ...(absolute.length === 0 ? ['copy was not measured, so there is no percentage.'] : []),
        'Bands: 95 % bootstrap interval of the median over the rounds.',
      ].join(' '),
      table: genericTable(`All sizes, ${title}`, rows),
      publishedTable: publishedTable(),
    },
    ids,
  )
}

function sizeSentences(transport: string, series: readonly Series[], what: string): string[] {
  return series.flatMap(({ sender, points }) => {
    const parts = points.map(({ x, median }) => `${median.toFixed(0)} % at ${sizeText(x)}`)
    return [`On ${transport}, ${styleOf(sender).label} needs, of the ${what} of copy: ${listed(parts)}.`]
  })
}

/** One of the slides' two columns as a line, at the sizes that were measured; they are of TCP. */
function publishedSeries(sizes: readonly number[], wanted: Source['published']): Series[] {
  const line = (label: string, dash: string, of: (size: SlidesSize) => number): Series => ({
    sender: 'copy',
    style: { label, colour: 'var(--peer)', symbol: 'star', dash },
    points: SLIDES_SIZES.filter(({ sizeBytes }) => sizes.includes(sizeBytes)).map((size) => {
      const value = of(size)
      return { x: size.sizeBytes, rounds: 1, median: value, low: value, high: value }
    }),
  })
  const lines = [line('all CPUs', '6 3', (size) => size.cpuPercent), line('process', '1 3', (size) => size.processPercent)]
  return lines.filter(({ style, points }) => style?.label === wanted && points.length > 0)
}

function publishedTable(): TableData {
  return {
    caption: 'Published in the slides: cycles of zero-copy as % of copying’s, netperf TCP_STREAM',
    header: ['bytes', 'process cycles, %', 'all-CPU cycles, %'],
    textColumns: 1,
    rows: SLIDES_SIZES.map(({ sizeBytes, processPercent, cpuPercent }) => [
      sizeText(sizeBytes),
      String(processPercent),
      String(cpuPercent),
    ]),
  }
}

function publishedSentence(): string {
  const parts = SLIDES_SIZES.map(({ sizeBytes, processPercent, cpuPercent }) => `${sizeText(sizeBytes)} ${processPercent} / ${cpuPercent}`)
  return `Published in the slides, percent of the process’s cycles / of all cycles: ${listed(parts)}.`
}
