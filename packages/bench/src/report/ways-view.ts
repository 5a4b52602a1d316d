import { TRANSPORT_TITLES } from '../cells/cell.js'
import type { BenchRecord, Row } from '../record/record.js'
import { wayOfFile } from '../tables/files-table.js'
import { type Bar, barDomain, bars } from './bars.js'
import { figureHtml, type Html, html, type IdSource } from './html.js'
import { styleOf } from './senders.js'
import { copiedRemark, places } from './sentences.js'
import { distinct, estimate, METRICS, type Metric, ratio } from './series.js'
import { genericTable } from './tables.js'
import { shortNumber, sizeText } from './wording.js'

/** Room for the name of a way, in the picture's units. */
const LABEL_WIDTH = 290

/** What one command's picture of its ways says. */
interface Ways {
  title: string
  axis: string
  metric: Metric
  /** The name of a row's way: rows of one name are one bar. */
  nameOf: (row: Row) => string
  /** The way that the others stand beside, in the sentences. */
  besides: (row: Row) => boolean
}

const perSend: Metric = {
  axis: 'µs of CPU time per datagram',
  digits: 3,
  of: ({ cpuUserUs, cpuSystemUs, sends }) => (cpuUserUs === null || cpuSystemUs === null ? null : (cpuUserUs + cpuSystemUs) / sends),
}

/** `bench datagrams`: what a datagram costs by each way. */
export const datagramsView = waysView({
  title: 'CPU time of a datagram by each way',
  axis: perSend.axis,
  metric: perSend,
  nameOf: ({ backend, variant }) => `${backend}: ${variant ?? ''}`,
  besides: ({ backend, variant }) => backend === 'dgram.send' && variant === 'addressed',
})

/** `bench files`: what a byte of a file costs by each way. */
export const filesView = waysView({
  title: 'CPU time of a byte of a file by each way',
  axis: METRICS.cpu.axis,
  metric: METRICS.cpu,
  nameOf: wayOfFile,
  besides: ({ backend }) => backend === 'sendfile',
})

/** `bench pages`: what a byte costs from huge pages and from small ones. */
export const pagesView = waysView({
  title: 'CPU time of a byte from huge pages and from pages of 4 KiB',
  axis: METRICS.cpu.axis,
  metric: METRICS.cpu,
  nameOf: ({ backend, variant }) => `${backend}, ${variant} pages`,
  besides: () => false,
})

function waysView(ways: Ways): (record: BenchRecord, ids: IdSource) => Html {
  return ({ rows }, ids) => {
    const drawn = places(rows).flatMap(({ transport, rows: here }) =>
      distinct(here.map((row) => row.sizeBytes)).map((sizeBytes) => {
        const own = here.filter((row) => row.sizeBytes === sizeBytes)
        return { title: `${TRANSPORT_TITLES[transport]}, ${sizeText(sizeBytes)} bytes`, rows: own, bars: barsOf(own, ways) }
      }),
    )
    return html`${figureHtml(
      {
        title: ways.title,
        sentences: drawn.flatMap(({ title, rows: own }) => sentencesOf(title, own, ways)),
        pictures: drawn.map(({ title, rows: own, bars: drawnBars }) => ({
          heading: title,
          remark: copiedRemark(own),
          svg: bars(
            drawnBars,
            barDomain(drawnBars),
            ways.axis,
            `${ways.title}, ${title}. The numbers stand in the table below.`,
            LABEL_WIDTH,
          ),
        })),
        reading: 'Shorter is better. Whiskers: 95 % bootstrap interval of the median over the rounds.',
        table: genericTable('All ways', rows),
      },
      ids,
    )}`
  }
}

function namesOf(rows: readonly Row[], { nameOf }: Ways): string[] {
  return [...new Set(rows.map(nameOf))].sort()
}

function barsOf(rows: readonly Row[], ways: Ways): Bar[] {
  return namesOf(rows, ways).flatMap((label): Bar[] => {
    const own = rows.filter((row) => ways.nameOf(row) === label)
    const found = estimate(own, ways.metric)
    if (found === undefined) return []
    return [{ label, value: shortNumber(found.median), estimate: found, colour: styleOf((own[0] as Row).backend).colour }]
  })
}

/** How each way stands to the one that is compared with: a sentence for each picture. */
function sentencesOf(title: string, rows: readonly Row[], ways: Ways): string[] {
  const theirs = rows.filter(ways.besides)
  const [other] = theirs
  if (other === undefined) return []
  const parts = namesOf(rows, ways).flatMap((name) => {
    const own = rows.filter((row) => ways.nameOf(row) === name)
    const found = name === ways.nameOf(other) ? undefined : ratio(own, theirs, ways.metric)
    return found === undefined ? [] : [`${name} ${found.median.toFixed(3)} (${found.low.toFixed(3)} to ${found.high.toFixed(3)})`]
  })
  return parts.length === 0 ? [] : [`${title}, over ${ways.nameOf(other)}: ${parts.join('; ')}.`]
}
