import { LEVELS, type PeerLabel, TRANSPORT_TITLES } from '../cells/cell.js'
import type { RatioEstimate } from '../numbers/statistics.js'
import type { BenchRecord, Row } from '../record/record.js'
import { type Bar, barDomain, bars } from './bars.js'
import { figureHtml, type Html, html, type IdSource } from './html.js'
import { type Sender, sortSenders, styleOf } from './senders.js'
import { places } from './sentences.js'
import { distinct, estimate, METRICS, ratio } from './series.js'
import { genericTable } from './tables.js'
import { grouped, listed } from './wording.js'

/** Which of our paths uses the same mechanism as a sender that is not ours. */
const COUNTERPARTS: Record<PeerLabel, Sender> = {
  'c-msg_zerocopy': 'errqueue-recvmsg',
  'c-io_uring': 'uring',
  'c-io_uring-fixed': 'uring-fixed',
  'net.Socket.write': 'copy',
  'dgram.send': 'copy',
}

/** Sends per second of senders that are not ours, beside ours: a figure per interval and size. */
export function peersView(record: BenchRecord, ids: IdSource): Html {
  const figures: Html[] = []
  for (const sizeBytes of distinct(record.rows.map((row) => row.sizeBytes))) {
    for (const interval of distinct(record.rows.filter((row) => row.sizeBytes === sizeBytes).map((row) => row.interval))) {
      const rows = record.rows.filter((row) => row.sizeBytes === sizeBytes && row.interval === interval)
      figures.push(peersFigure(rows, `interval ${interval}, ${grouped(String(sizeBytes))} bytes a send`, ids))
    }
  }
  return html`${figures}`
}

function peersFigure(rows: readonly Row[], title: string, ids: IdSource): Html {
  const groups = places(rows).map(({ transport, rows: own }) => ({ title: TRANSPORT_TITLES[transport], bars: peerBars(own) }))
  const domain = barDomain(groups.flatMap((group) => group.bars))
  return figureHtml(
    {
      title: `Beside other senders: ${title}`,
      sentences: peerSentences(rows),
      pictures: groups.map((group) => ({
        heading: group.title,
        svg: bars(
          group.bars,
          domain,
          'thousand sends per second',
          `Sends per second on ${group.title}, ${title}. The numbers stand in the table below.`,
        ),
      })),
      reading: 'Longer is better; measured in the same shuffled rounds. Whiskers: 95 % bootstrap interval of the median over the rounds.',
      table: genericTable(`All senders, ${title}`, rows),
    },
    ids,
  )
}

function peerBars(rows: readonly Row[]): Bar[] {
  return sortSenders(rows.map((row) => row.backend)).flatMap((sender) =>
    [...LEVELS, 'peer' as const].flatMap((level): Bar[] => {
      const found = estimate(
        rows.filter((row) => row.backend === sender && row.level === level),
        METRICS.sendsPerSecond,
      )
      if (found === undefined) return []
      const { label, colour } = styleOf(sender)
      const thousands = { median: found.median / 1e3, low: found.low / 1e3, high: found.high / 1e3 }
      return [{ label: level === 'peer' ? label : `${label}, ${level}`, colour, value: thousands.median.toFixed(1), estimate: thousands }]
    }),
  )
}

/** Each of ours against the sender with the same mechanism: one sentence per pair and level, over the transports. */
export function peerSentences(rows: readonly Row[]): string[] {
  return (Object.entries(COUNTERPARTS) as [PeerLabel, Sender][]).flatMap(([peer, counterpart]) =>
    LEVELS.flatMap((level) => {
      const parts = places(rows).flatMap(({ transport, rows: own }) => {
        const theirs = own.filter((row) => row.backend === peer)
        const ours = own.filter((row) => row.backend === counterpart && row.level === level)
        const found = ratio(ours, theirs, METRICS.sendsPerSecond)
        return found === undefined ? [] : [`${TRANSPORT_TITLES[transport]} ${ratioText(found)}`]
      })
      if (parts.length === 0) return []
      return [`${styleOf(counterpart).label} at the ${level} level, in sends per second of ${peer} (95 % interval): ${listed(parts)}.`]
    }),
  )
}

function ratioText({ median, low, high, verdict }: RatioEstimate): string {
  const range = `(${low.toFixed(2)}–${high.toFixed(2)})`
  return verdict === 'same' ? `no difference ${range}` : `${median.toFixed(2)} times ${range}`
}
