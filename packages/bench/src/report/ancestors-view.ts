import { TRANSPORT_TITLES } from '../cells/cell.js'
import type { BenchRecord, Row } from '../record/record.js'
import { FREE_WHEN } from '../tables/ancestors-table.js'
import { barDomain, bars } from './bars.js'
import { figureHtml, type Html, html, type IdSource, tabsHtml } from './html.js'
import { legendHtml } from './legend.js'
import { intervalTabs, overCopy, rateBars } from './lo-view.js'
import { sortSenders, styleOf } from './senders.js'
import { copiedRemark, places } from './sentences.js'
import { distinct } from './series.js'
import { genericTable } from './tables.js'
import { listed, sizeText } from './wording.js'

/** The same bytes by the older system calls, beside copy and zero-copy: a picture per transport and size. */
export function ancestorsView(record: BenchRecord, ids: IdSource): Html {
  const tabs = intervalTabs(record.rows, (rows) => ancestorsFigure(rows, ids))
  return html`${legendHtml(record.rows)}${tabsHtml('Interval', tabs, ids)}`
}

function ancestorsFigure(rows: readonly Row[], ids: IdSource): Html {
  const drawn = places(rows).flatMap(({ transport, rows: here }) =>
    distinct(here.map((row) => row.sizeBytes)).map((sizeBytes) => {
      const own = here.filter((row) => row.sizeBytes === sizeBytes)
      return { title: `${TRANSPORT_TITLES[transport]}, ${sizeText(sizeBytes)}`, rows: own, bars: rateBars(own) }
    }),
  )
  const domain = barDomain(drawn.flatMap((place) => place.bars))
  return figureHtml(
    {
      title: 'The same bytes by older system calls, beside copy and zero-copy',
      sentences: [...drawn.flatMap(({ title, rows: own }) => sizeSentence(title, own)), ...freeSentence(rows)],
      pictures: drawn.map(({ title, rows: own, bars: drawnBars }) => ({
        heading: title,
        remark: copiedRemark(own.filter((row) => FREE_WHEN[row.backend] === 'when notified')),
        svg: bars(drawnBars, domain, 'GB/s', `Throughput of each path at ${title}. The numbers stand in the table below.`),
      })),
      reading: 'Longer is better. Whiskers: 95 % bootstrap interval of the median over the rounds.',
      table: genericTable('All paths', rows),
    },
    ids,
  )
}

function sizeSentence(title: string, rows: readonly Row[]): string[] {
  const parts = overCopy(rows).map(({ label, text }) => `${label} ${text}`)
  return parts.length === 0 ? [] : [`${title}: ${listed(parts)}.`]
}

function freeSentence(rows: readonly Row[]): string[] {
  const silent = sortSenders(rows.map((row) => row.backend)).filter((backend) => FREE_WHEN[backend] === 'nobody tells')
  if (silent.length === 0) return []
  return [`After ${listed(silent.map((sender) => styleOf(sender).label))} nobody tells when the memory may be used again.`]
}
