import { LEVELS, TRANSPORT_TITLES } from '../cells/cell.js'
import type { BenchRecord, Row } from '../record/record.js'
import { type CurveFrame, curves, scaleBetween } from './curves.js'
import { figureHtml, type Html, html, type IdSource, type TableData, tabsHtml } from './html.js'
import { legendHtml } from './legend.js'
import { sortSenders, styleOf } from './senders.js'
import { copiedRemark, places } from './sentences.js'
import { distinct, METRICS, type Metric, metricSeries, middle, ratio } from './series.js'
import { copiedCell } from './tables.js'
import { grouped, listed, shortNumber, tickText } from './wording.js'

/** CPU time of the sending process per send, in microseconds. */
const CPU_PER_SEND: Metric = {
  axis: 'µs of CPU time per send',
  digits: 2,
  of: ({ cpuUserUs, cpuSystemUs, sends }) =>
    cpuUserUs === null || cpuSystemUs === null || sends === 0 ? null : (cpuUserUs + cpuSystemUs) / sends,
}

/** The cost of a send by the number of connections, a tab per level. */
export function connectionsView(record: BenchRecord, ids: IdSource): Html {
  const tabs = LEVELS.flatMap((level) => {
    const rows = record.rows.filter((row) => row.level === level)
    return rows.length === 0 ? [] : [{ title: `${level} level`, content: figure(rows, level, ids) }]
  })
  return tabs.length === 0 ? html`` : html`${legendHtml(record.rows)}${tabsHtml('Level', tabs, ids)}`
}

function figure(rows: readonly Row[], level: string, ids: IdSource): Html {
  const counts = distinct(rows.map((row) => row.connections))
  const groups = places(rows).map((place) => ({
    ...place,
    series: metricSeries(place.rows, sortSenders(place.rows.map((row) => row.backend)), CPU_PER_SEND, (row) => row.connections),
  }))
  const frame: CurveFrame = {
    ticks: counts,
    xLabel: 'connections (log)',
    xText: tickText,
    yLabel: `${CPU_PER_SEND.axis} (log2)`,
    y: scaleBetween(groups.flatMap(({ series }) => series)),
    yTick: tickText,
    yText: (us) => `${shortNumber(us)} µs`,
  }
  return figureHtml(
    {
      title: `What a send costs, by connections, ${level} level`,
      sentences: groups.flatMap(({ transport, rows: own }) => growthSentence(TRANSPORT_TITLES[transport], own, counts)),
      pictures: groups.map(({ transport, rows: own, series }) => ({
        heading: TRANSPORT_TITLES[transport],
        remark: copiedRemark(own),
        svg: curves(series, frame, `CPU time per send by number of connections, ${TRANSPORT_TITLES[transport]}, ${level} level`),
      })),
      reading: [
        'Lower is better. CPU time of the sending process, user and kernel mode (getrusage); on loopback that includes most of the reception.',
        'All connections are served in turn on one event loop. Bands: 95 % bootstrap interval of the median over the rounds.',
      ].join(' '),
      table: costTable(rows, level),
    },
    ids,
  )
}

/** The extra cost of a send at the most connections over the fewest, by path. */
function growthSentence(transport: string, rows: readonly Row[], counts: readonly number[]): string[] {
  const [fewest, most] = [counts[0], counts[counts.length - 1]]
  if (fewest === undefined || most === undefined || fewest === most) return []
  const parts = sortSenders(rows.map((row) => row.backend)).flatMap((sender) => {
    const at = (count: number): Row[] => rows.filter((row) => row.backend === sender && row.connections === count)
    const found = ratio(at(most), at(fewest), CPU_PER_SEND)
    if (found === undefined) return []
    return [`${styleOf(sender).label} ${found.verdict === 'same' ? 'no difference' : `${found.median.toFixed(2)} times`}`]
  })
  if (parts.length === 0) return []
  return [
    `On ${transport}, CPU time of a send at ${grouped(String(most))} connections, over that at ${grouped(String(fewest))}: ${listed(parts)}.`,
  ]
}

function costTable(rows: readonly Row[], level: string): TableData {
  return {
    caption: `Cost of a send, ${level} level: medians over the rounds`,
    header: ['transport', 'path', 'connections', CPU_PER_SEND.axis, 'sends/s', 'calls/send', 'rounds', 'copied'],
    textColumns: 2,
    rows: places(rows).flatMap(({ transport, rows: own }) =>
      sortSenders(own.map((row) => row.backend)).flatMap((sender) =>
        distinct(own.map((row) => row.connections)).flatMap((count) => {
          const cell = own.filter((row) => row.backend === sender && row.connections === count)
          if (cell.length === 0) return []
          const [cost, rate, calls] = [CPU_PER_SEND, METRICS.sendsPerSecond, METRICS.calls].map((metric) => middle(cell, metric))
          return [
            [
              TRANSPORT_TITLES[transport],
              sender,
              grouped(String(count)),
              cost === undefined ? '–' : shortNumber(cost),
              rate === undefined ? '–' : grouped(rate.toFixed(0)),
              calls === undefined ? '–' : calls.toFixed(2),
              String(cell.length),
              copiedCell(cell),
            ],
          ]
        }),
      ),
    ),
  }
}
