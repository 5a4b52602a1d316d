import { BASELINE, TRANSPORT_TITLES, type Transport } from '../cells/cell.js'
import type { RatioEstimate } from '../numbers/statistics.js'
import type { Row } from '../record/record.js'
import { PAPER_GAINS_PERCENT } from '../tables/published.js'
import { asksForZeroCopy, type Sender, sortSenders, styleOf } from './senders.js'
import { distinct, METRICS, type Metric, middle, percent, ratio, zeroCopyCopiedShare } from './series.js'
import { listed, sharePercent, shortNumber, signedPercent } from './wording.js'

/** Rows of one transport, and what to call it. */
interface Place {
  transport: Transport
  rows: readonly Row[]
}

/** The transports of some rows, in the paper's order. */
export function places(rows: readonly Row[]): Place[] {
  const order = Object.keys(TRANSPORT_TITLES) as Transport[]
  return order
    .map((transport) => ({ transport, rows: rows.filter((row) => row.transport === transport) }))
    .filter((place) => place.rows.length > 0)
}

/** `1.12 times (95 % interval 1.08–1.15)`. */
export function timesText(found: RatioEstimate): string {
  return `${found.median.toFixed(2)} times (95 % interval ${found.low.toFixed(2)}–${found.high.toFixed(2)})`
}

/**
 * The result of the throughput, one sentence per transport: the best path that asks for zero-copy against the baseline at the smallest
 * interval, and the same path at the paper's other one; then how plain copying stands.
 * @param rows - of one level, one size
 */
export function throughputSentences(rows: readonly Row[]): string[] {
  if (!rows.some((row) => row.backend === BASELINE)) return ['errqueue, the baseline, was not measured: there is no ratio to state.']
  const sentences = places(rows).flatMap((place) => throughputSentence(place) ?? [])
  return [...sentences, ...copySentence(rows)]
}

function throughputSentence({ transport, rows }: Place): string | undefined {
  const intervals = distinct(rows.map((row) => row.interval))
  const first = intervals[0]
  if (first === undefined) return undefined
  const best = bestAt(rows, first)
  if (best === undefined) return undefined
  const later = laterInterval(intervals)
  const opening = `On ${TRANSPORT_TITLES[transport]} at interval ${first}, ${comparison(best.sender, best.found)}`
  const then = later === undefined ? undefined : against(rows, best.sender, later)
  return then === undefined ? `${opening}.` : `${opening}; at ${later} ${laterComparison(then)}.`
}

/** 32, the paper's second interval, where it was measured; else the largest. */
function laterInterval(intervals: readonly number[]): number | undefined {
  if (intervals.length < 2) return undefined
  return intervals.includes(32) ? 32 : intervals[intervals.length - 1]
}

function comparison(sender: Sender, found: RatioEstimate): string {
  const { label } = styleOf(sender)
  return found.verdict === 'same'
    ? `no path is ahead of errqueue; ${label} shows no difference (95 % interval ${found.low.toFixed(2)}–${found.high.toFixed(2)} times)`
    : `${label} sends ${timesText(found)} what errqueue does`
}

function laterComparison(found: RatioEstimate): string {
  return found.verdict === 'same' ? 'there is no difference' : `it is ${timesText(found)}`
}

/** The zero-copy path with the highest ratio: among those ahead of the baseline, else those level with it, else all. */
function bestAt(rows: readonly Row[], interval: number): { sender: Sender; found: RatioEstimate } | undefined {
  const candidates = sortSenders(rows.map((row) => row.backend))
    .filter((sender) => sender !== BASELINE && asksForZeroCopy(sender))
    .flatMap((sender) => {
      const found = against(rows, sender, interval)
      return found === undefined ? [] : [{ sender, found }]
    })
  const faster = candidates.filter(({ found }) => found.verdict === 'faster')
  const level = candidates.filter(({ found }) => found.verdict === 'same')
  const pool = faster.length > 0 ? faster : level.length > 0 ? level : candidates
  return [...pool].sort((a, b) => b.found.median - a.found.median)[0]
}

function against(rows: readonly Row[], sender: Sender, interval: number, metric: Metric = METRICS.throughput): RatioEstimate | undefined {
  const at = (backend: Sender): Row[] => rows.filter((row) => row.backend === backend && row.interval === interval)
  return ratio(at(sender), at(BASELINE), metric)
}

function copySentence(rows: readonly Row[]): string[] {
  const interval = distinct(rows.map((row) => row.interval))[0]
  if (interval === undefined) return []
  const found = places(rows).flatMap(({ transport, rows: own }) => {
    const one = against(own, 'copy', interval)
    return one === undefined ? [] : [{ title: TRANSPORT_TITLES[transport], one }]
  })
  const named = (verdict: RatioEstimate['verdict']): string =>
    listed(found.filter(({ one }) => one.verdict === verdict).map(({ title, one }) => `${title} (${one.median.toFixed(2)} times)`))
  const parts = [
    named('faster') === '' ? '' : `sends more than errqueue on ${named('faster')}`,
    named('slower') === '' ? '' : `sends less on ${named('slower')}`,
    named('same') === '' ? '' : `does not differ on ${listed(found.filter(({ one }) => one.verdict === 'same').map(({ title }) => title))}`,
  ].filter((part) => part !== '')
  return parts.length === 0 ? [] : [`Plain copying at interval ${interval} ${listed(parts)}.`]
}

/**
 * The measured gain of the inline path beside the paper's; where it was not measured, why, and what the best path of a stock kernel gains.
 * @param rows - of one level, one size
 * @param interval - 1 or 32: what the paper published
 * @param inlineReason - reason that the probe of `inline` gave; undefined where it works
 */
export function gainSentences(rows: readonly Row[], interval: number, inlineReason: string | undefined): string[] {
  const published = PAPER_GAINS_PERCENT.get(interval)
  if (published === undefined) return []
  const sentences: string[] = []
  for (const { transport, rows: own } of places(rows)) {
    const inline = against(own, 'inline', interval)
    const best = bestAt(own, interval)
    const paper = `the paper published ${signedPercent(published[transport])} for inline`
    const where = `On ${TRANSPORT_TITLES[transport]} at interval ${interval}`
    if (inline !== undefined) sentences.push(`${where}, inline ${gainText(inline)}; ${paper}.`)
    else if (best !== undefined) sentences.push(`${where}, ${styleOf(best.sender).label} ${gainText(best.found)}; ${paper}.`)
  }
  if (!rows.some((row) => row.backend === 'inline')) {
    sentences.push(`inline was not measured here${inlineReason === undefined ? '' : `: ${inlineReason}`}.`.replace(/\.\.$/u, '.'))
  }
  return sentences
}

/** `gains 5.2 % (95 % interval 4.8 to 5.6)` over errqueue, or that it shows no difference. */
function gainText(found: RatioEstimate): string {
  const [gain, low, high] = [found.median, found.low, found.high].map(percent) as [number, number, number]
  if (found.verdict === 'same') return `shows no difference to errqueue (${signedPercent(low)} to ${signedPercent(high)})`
  const [verb, least, most] = found.verdict === 'faster' ? ['gains', low, high] : ['loses', -high, -low]
  return `${verb} ${Math.abs(gain).toFixed(1)} % (95 % interval ${least.toFixed(1)} to ${most.toFixed(1)}) ${found.verdict === 'faster' ? 'over' : 'against'} errqueue`
}

/** Which path needs the least CPU time per byte, and how it stands to the baseline. */
export function cpuSentences(rows: readonly Row[]): string[] {
  return places(rows).flatMap(({ transport, rows: own }) => {
    const interval = distinct(own.map((row) => row.interval))[0]
    if (interval === undefined) return []
    const costs = sortSenders(own.map((row) => row.backend)).flatMap((sender) => {
      const found = middle(
        own.filter((row) => row.backend === sender && row.interval === interval),
        METRICS.cpu,
      )
      return found === undefined ? [] : [{ sender, cost: found }]
    })
    const least = [...costs].sort((a, b) => a.cost - b.cost)[0]
    if (least === undefined) return []
    const opening = `On ${TRANSPORT_TITLES[transport]} at interval ${interval}, ${styleOf(least.sender).label} needs the least CPU time: ${shortNumber(least.cost)} ns per 1,000 bytes`
    const found = against(own, least.sender, interval, METRICS.cpu)
    if (least.sender === BASELINE || found === undefined) return [`${opening}.`]
    return [`${opening}, ${found.verdict === 'same' ? 'no different from errqueue' : `${timesText(found)} what errqueue needs`}.`]
  })
}

/** System calls per send of each path at the ends of the sweep, over all transports. */
export function callSentences(rows: readonly Row[]): string[] {
  const intervals = distinct(rows.map((row) => row.interval))
  const ends = distinct([intervals[0], intervals[intervals.length - 1]].filter((interval) => interval !== undefined))
  return ends.flatMap((interval) => {
    const parts = sortSenders(rows.map((row) => row.backend)).flatMap((sender) => {
      const found = middle(
        rows.filter((row) => row.backend === sender && row.interval === interval),
        METRICS.calls,
      )
      return found === undefined ? [] : [`${styleOf(sender).label} ${found.toFixed(2)}`]
    })
    return parts.length === 0 ? [] : [`At interval ${interval}, system calls per send (median over the transports): ${listed(parts)}.`]
  })
}

/** Ids that one notification covers at the largest interval, which decides the cost of collecting. */
export function widthSentences(rows: readonly Row[]): string[] {
  const intervals = distinct(rows.map((row) => row.interval))
  const last = laterInterval(intervals) ?? intervals[0]
  if (last === undefined) return []
  return places(rows).flatMap(({ transport, rows: own }) => {
    const parts = sortSenders(own.map((row) => row.backend)).flatMap((sender) => {
      const found = middle(
        own.filter((row) => row.backend === sender && row.interval === last),
        METRICS.rangeWidth,
      )
      return found === undefined ? [] : [`${styleOf(sender).label} ${found.toFixed(1)}`]
    })
    return parts.length === 0 ? [] : [`On ${TRANSPORT_TITLES[transport]} at interval ${last}, ids per notification: ${listed(parts)}.`]
  })
}

/** The copied share of the paths that asked for zero-copy, as a remark beside a picture's heading. */
export function copiedRemark(rows: readonly Row[]): string {
  const share = zeroCopyCopiedShare(rows)
  if (share === null) return 'copied: not told'
  if (share === 1) return 'copied by the kernel: 100 %'
  return share === 0 ? 'really zero-copy: 0 % copied' : `copied by the kernel: ${sharePercent(share)}`
}
