import { TRANSPORT_TITLES } from '../cells/cell.js'
import type { BenchRecord, Row } from '../record/record.js'
import { SLIDES_LO } from '../tables/published.js'
import { type Bar, barDomain, bars } from './bars.js'
import { figureHtml, type Html, html, type IdSource, type Tab, type TableData, tabsHtml } from './html.js'
import { legendHtml } from './legend.js'
import { asksForZeroCopy, type Sender, sortSenders, styleOf } from './senders.js'
import { copiedRemark, places, timesText } from './sentences.js'
import { distinct, estimate, METRICS, middle, ratio } from './series.js'
import { copiedCell } from './tables.js'
import { grouped, shortNumber, signedPercent } from './wording.js'

/** The slides' snd_zerocopy_lo: what each protocol carries on loopback, with and without zero-copy. */
export function loView(record: BenchRecord, ids: IdSource): Html {
  const tabs = intervalTabs(record.rows, (rows) => loFigure(rows, ids))
  return html`${legendHtml(record.rows)}${tabsHtml('Interval', tabs, ids)}`
}

/** The drawing of each interval's rows, a tab each. */
export function intervalTabs(rows: readonly Row[], draw: (rows: readonly Row[]) => Html): Tab[] {
  return distinct(rows.map((row) => row.interval)).map((interval) => ({
    title: `Interval ${interval}`,
    content: draw(rows.filter((row) => row.interval === interval)),
  }))
}

function loFigure(rows: readonly Row[], ids: IdSource): Html {
  const drawn = places(rows).map((place) => ({ ...place, bars: rateBars(place.rows) }))
  const domain = barDomain(drawn.flatMap((place) => place.bars))
  return figureHtml(
    {
      title: 'Every protocol on loopback, with and without zero-copy',
      sentences: drawn.flatMap(({ transport, rows: own }) => loSentences(transport, own)),
      pictures: drawn.map(({ transport, rows: own, bars: drawnBars }) => ({
        heading: TRANSPORT_TITLES[transport],
        remark: own.some((row) => asksForZeroCopy(row.backend)) ? copiedRemark(own) : 'by copy alone',
        svg: bars(
          drawnBars,
          domain,
          'GB/s',
          `Throughput of each path on ${TRANSPORT_TITLES[transport]}. The numbers stand in the table below.`,
        ),
      })),
      reading: 'Longer is better. Whiskers: 95 % bootstrap interval of the median over the rounds.',
      table: loTable(rows),
      publishedTable: publishedTable(),
    },
    ids,
  )
}

/** Throughput of each path in GB/s, as bars. */
export function rateBars(rows: readonly Row[]): Bar[] {
  return sortSenders(rows.map((row) => row.backend)).flatMap((sender): Bar[] => {
    const found = estimate(of(rows, sender), METRICS.throughput)
    const { label, colour } = styleOf(sender)
    if (found === undefined) return []
    const thousands = { median: found.median / 1e3, low: found.low / 1e3, high: found.high / 1e3 }
    return [{ label, colour, value: shortNumber(thousands.median), estimate: thousands }]
  })
}

function of(rows: readonly Row[], sender: Sender): Row[] {
  return rows.filter((row) => row.backend === sender)
}

/** How each path's throughput stands to copy's, in words. */
export function overCopy(rows: readonly Row[]): { label: string; text: string }[] {
  const copy = of(rows, 'copy')
  return sortSenders(rows.map((row) => row.backend)).flatMap((sender) => {
    const found = sender === 'copy' ? undefined : ratio(of(rows, sender), copy, METRICS.throughput)
    if (found === undefined) return []
    return [
      {
        label: styleOf(sender).label,
        text: found.verdict === 'same' ? 'shows no difference to copy' : `sends ${timesText(found)} what copy does`,
      },
    ]
  })
}

function loSentences(transport: Row['transport'], rows: readonly Row[]): string[] {
  const title = TRANSPORT_TITLES[transport]
  const slides = SLIDES_LO[transport]
  const theirs =
    slides?.zc == null
      ? ''
      : `; in the slides zero-copy sent ${(slides.zc / slides.std).toFixed(2)} times as much, on a loopback that did not copy at reception`
  const found = overCopy(rows).map(({ label, text }) => `On ${title}, ${label} ${text}${theirs}.`)
  if (found.length > 0) return found
  const rate = middle(of(rows, 'copy'), METRICS.throughput)
  return rate === undefined
    ? []
    : [`On ${title}, copy sends ${shortNumber(rate)} MB/s; zero-copy was not measured there, the notes say why.`]
}

function loTable(rows: readonly Row[]): TableData {
  const number = (own: readonly Row[], value: (row: Row) => number | null | undefined): string => {
    const found = middle(own, { axis: '', digits: 0, of: (row) => value(row) ?? null })
    return found === undefined ? '–' : grouped(found.toFixed(0))
  }
  return {
    caption: 'Sends of one round: received, sent, notified (medians over the rounds)',
    header: ['protocol', 'path', 'rx', 'rx MB', 'tx', 'tx MB', 'txc', 'dropped', 'copied'],
    textColumns: 2,
    rows: places(rows).flatMap(({ transport, rows: here }) =>
      sortSenders(here.map((row) => row.backend)).map((sender) => {
        const own = of(here, sender)
        return [
          TRANSPORT_TITLES[transport],
          sender,
          number(own, (row) => row.received?.sends),
          number(own, (row) => (row.received === undefined ? null : row.received.bytes / 1e6)),
          number(own, (row) => row.sends),
          number(own, (row) => row.bytes / 1e6),
          number(own, (row) => row.notifiedIds),
          number(own, (row) => row.received?.dropped),
          copiedCell(own),
        ]
      }),
    ),
  }
}

function publishedTable(): TableData {
  return {
    caption: 'Published in the slides, snd_zerocopy_lo: sends without and with zero-copy, in a run of unnamed length',
    header: ['protocol', 'std', 'zc', 'gain'],
    textColumns: 1,
    rows: (Object.keys(SLIDES_LO) as Row['transport'][]).flatMap((transport) => {
      const found = SLIDES_LO[transport]
      if (found === undefined) return []
      const gain = found.zc === null ? '–' : signedPercent((found.zc / found.std - 1) * 100)
      return [[TRANSPORT_TITLES[transport], grouped(String(found.std)), found.zc === null ? '–' : grouped(String(found.zc)), gain]]
    }),
  }
}
