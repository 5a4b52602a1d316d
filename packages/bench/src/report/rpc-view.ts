import { TRANSPORT_TITLES } from '../cells/cell.js'
import type { RatioEstimate } from '../numbers/statistics.js'
import { type BenchRecord, type Row, RPC_WORKLOADS, type RpcWorkload } from '../record/record.js'
import { SLIDES_RPC_PERCENT } from '../tables/published.js'
import { type RpcPolicy, rpcChange, rpcPolicies, usPerCall } from '../tables/rpc-table.js'
import { type Bar, barDomain, bars } from './bars.js'
import { figureHtml, type Html, html, type IdSource, type TableData } from './html.js'
import { styleOf } from './senders.js'
import { copiedRemark, places } from './sentences.js'
import { middle, percent } from './series.js'
import { copiedCell } from './tables.js'
import { grouped, shortNumber, signedPercent, sizeText } from './wording.js'

/** Room for the labels at the left, in the picture's units. */
const LABEL_WIDTH = 210

/** Rows of one transport and workload. */
interface Workload {
  workload: RpcWorkload
  title: string
  rows: Row[]
  policies: RpcPolicy[]
}

/** The slides' RPC figures: what asking for zero-copy changes in the time of a call, by workload and threshold. */
export function rpcView(record: BenchRecord, ids: IdSource): Html {
  return html`${places(record.rows).map(({ transport, rows }) => transportHtml(TRANSPORT_TITLES[transport], rows, ids))}`
}

function workloadsOf(rows: readonly Row[]): Workload[] {
  return RPC_WORKLOADS.flatMap((workload) => {
    const own = rows.filter((row) => row.rpc?.workload === workload)
    const rpc = own[0]?.rpc
    if (rpc === undefined) return []
    const [small, large] = [sizeText(rpc.smallBytes), sizeText(rpc.largeBytes)]
    const sizes = { small: `${small} bytes`, large: `${large} bytes`, mixed: `${small} and ${large} bytes` }
    return [{ workload, title: `${workload} requests: ${sizes[workload]}`, rows: own, policies: rpcPolicies(own) }]
  })
}

function transportHtml(transport: string, rows: readonly Row[], ids: IdSource): Html {
  const workloads = workloadsOf(rows)
  const drawn = workloads.map((one) => ({ ...one, bars: changeBars(one) }))
  const domain = barDomain(drawn.flatMap((one) => one.bars))
  return figureHtml(
    {
      title: `What zero-copy changes in the time of a call, ${transport}`,
      sentences: workloads.map((one) => workloadSentence(one)),
      pictures: drawn.map(({ title, rows: own, bars: chosen }) => ({
        heading: title,
        remark: copiedRemark(own),
        svg: bars(
          chosen,
          domain,
          'change of the time of a call, in %',
          `Change of the time of a call by path and threshold, ${title}, ${transport}`,
          LABEL_WIDTH,
        ),
      })),
      reading: [
        'Further left is better: calls take less time than when zero-copy is never asked for on the same path (auto: on the first path).',
        'Outlined: published in the slides for TensorFlow over a network. Whiskers: 95 % bootstrap interval of the ratio paired by round.',
      ].join(' '),
      table: rpcTable(transport, workloads),
    },
    ids,
  )
}

function changeBars({ workload, policies }: Workload): Bar[] {
  const measured = policies.flatMap((policy): Bar[] => {
    const change = rpcChange(policy)
    if (change === undefined) return []
    const estimate = { median: percent(change.median), low: percent(change.low), high: percent(change.high) }
    return [{ label: shortTitle(policy), value: changeText(change), colour: styleOf(policy.backend).colour, estimate }]
  })
  const published = SLIDES_RPC_PERCENT[workload]
  const slides: Bar = {
    label: 'the slides',
    value: signedPercent(published),
    colour: 'var(--peer)',
    estimate: { median: published, low: published, high: published },
    published: true,
  }
  return [...measured, slides]
}

/** `uring, from 10K`, which fits beside a bar. */
function shortTitle({ backend, thresholdBytes }: RpcPolicy): string {
  const { label } = styleOf(backend)
  if (backend === 'auto') return label
  return thresholdBytes === 0 ? `${label}, always` : `${label}, from ${sizeText(thresholdBytes ?? 0)}`
}

function changeText({ median, verdict }: RatioEstimate): string {
  return verdict === 'same' ? 'no difference' : signedPercent(percent(median))
}

function workloadSentence({ workload, title, policies }: Workload): string {
  const parts = policies.flatMap((policy) => {
    const change = rpcChange(policy)
    return change === undefined ? [] : [`${shortTitle(policy).replace(', ', ' ')}: ${changeText(change)}`]
  })
  const published = `the slides have ${signedPercent(SLIDES_RPC_PERCENT[workload])}`
  return `${title.charAt(0).toUpperCase()}${title.slice(1)}. Time of a call, against never asking for zero-copy: ${parts.join('; ')}. Beside them, ${published}.`
}

function rpcTable(transport: string, workloads: readonly Workload[]): TableData {
  const us = (rows: readonly Row[], of: (row: Row) => number | null): string => {
    const found = middle(rows, { axis: 'µs', digits: 1, of })
    return found === undefined ? '–' : shortNumber(found)
  }
  return {
    caption: `Calls over ${transport}: medians over the rounds, µs; CPU time of the calling process (getrusage)`,
    header: [
      'workload',
      'path and threshold',
      'calls/s',
      'per call',
      'change',
      'small: 50 %',
      'small: 99 %',
      'large: 50 %',
      'large: 99 %',
      'CPU per call',
      'copied',
    ],
    textColumns: 2,
    rows: workloads.flatMap(({ workload, policies }) =>
      policies.map((policy) => {
        const { title, rows } = policy
        const change = rpcChange(policy)
        const rate = middle(rows, { axis: 'calls/s', digits: 0, of: (row) => row.sends / row.seconds }) ?? Number.NaN
        return [
          workload,
          title,
          grouped(rate.toFixed(0)),
          us(rows, usPerCall),
          change === undefined ? '–' : changeText(change),
          us(rows, ({ rpc }) => rpc?.small?.p50Us ?? null),
          us(rows, ({ rpc }) => rpc?.small?.p99Us ?? null),
          us(rows, ({ rpc }) => rpc?.large?.p50Us ?? null),
          us(rows, ({ rpc }) => rpc?.large?.p99Us ?? null),
          us(rows, ({ cpuUserUs, cpuSystemUs, sends }) =>
            cpuUserUs === null || cpuSystemUs === null ? null : (cpuUserUs + cpuSystemUs) / sends,
          ),
          copiedCell(rows),
        ]
      }),
    ),
  }
}
