import { BACKENDS, TRANSPORT_TITLES, TRANSPORTS } from '../cells/cell.js'
import { pairedRatio, type RatioEstimate, summarize } from '../numbers/statistics.js'
import { type Row, RPC_WORKLOADS } from '../record/record.js'
import { SLIDES_RPC_PERCENT } from './published.js'
import { copiedText, gainText } from './sweep-table.js'
import { textTable } from './text-table.js'

/** A path and a threshold, in one workload. */
export interface RpcPolicy {
  /** `uring, from 10240 bytes`. */
  title: string
  backend: Row['backend']
  /** See `thresholdBytes` of a row. */
  thresholdBytes: number | null
  rows: Row[]
  /** Rows of never asking for zero-copy, which this is compared with: the same path's, `auto`'s the first path's. */
  never: Row[]
}

/** Every policy of some rows of one transport and workload, in the order of a reader. */
export function rpcPolicies(rows: readonly Row[]): RpcPolicy[] {
  const firstNever = BACKENDS.flatMap((backend) => rows.filter((row) => row.backend === backend && row.rpc?.thresholdBytes === null))
  const [first] = firstNever
  return BACKENDS.flatMap((backend) => {
    const own = rows.filter((row) => row.backend === backend)
    const found = [...new Set(own.map((row) => row.rpc?.thresholdBytes ?? null))].sort((a, b) => (a ?? Infinity) - (b ?? Infinity))
    const compared = backend === 'auto' ? first?.backend : backend
    return found.map((thresholdBytes) => ({
      title: policyTitle(backend, thresholdBytes),
      backend,
      thresholdBytes,
      rows: own.filter((row) => row.rpc?.thresholdBytes === thresholdBytes),
      never: firstNever.filter((row) => row.backend === compared),
    }))
  })
}

function policyTitle(backend: Row['backend'], thresholdBytes: number | null): string {
  if (backend === 'auto') return 'auto'
  if (thresholdBytes === null) return `${backend}, never`
  return thresholdBytes === 0 ? `${backend}, always` : `${backend}, from ${thresholdBytes} bytes`
}

/** Wall clock of one call, in microseconds. */
export function usPerCall(row: Row): number {
  return (row.seconds * 1e6) / row.sends
}

/** Wall clock per call over that of never asking for zero-copy, paired by round: 0.77 = 23 % less. Undefined for `never` itself. */
export function rpcChange({ thresholdBytes, backend, rows, never }: RpcPolicy): RatioEstimate | undefined {
  if (thresholdBytes === null && backend !== 'auto') return undefined
  const byRound = (of: readonly Row[]): Map<number, number> => new Map(of.map((row) => [row.round, usPerCall(row)]))
  return pairedRatio(byRound(rows), byRound(never))
}

/** A table per transport and workload. */
export function rpcTables(rows: readonly Row[]): string[] {
  return TRANSPORTS.flatMap((transport) =>
    RPC_WORKLOADS.flatMap((workload) => {
      const here = rows.filter((row) => row.transport === transport && row.rpc?.workload === workload)
      const [first] = here
      if (first?.rpc === undefined) return []
      const { smallBytes, largeBytes } = first.rpc
      const sizes = { small: `${smallBytes} bytes`, large: `${largeBytes} bytes`, mixed: `${smallBytes} and ${largeBytes} bytes` }
      return ['', `${TRANSPORT_TITLES[transport]}, ${workload} requests: ${sizes[workload]}`, ...workloadTable(here)]
    }),
  )
}

function workloadTable(rows: readonly Row[]): string[] {
  const kinds = (['small', 'large'] as const).filter((kind) => rows.some((row) => row.rpc?.[kind] != null))
  const header = [
    'path, zero-copy',
    'calls/s',
    'µs/call',
    'change',
    'slides',
    ...kinds.flatMap((kind) => [`${kind} p50 µs`, 'p99', 'p99.9']),
    'CPU µs/call',
    'copied',
  ]
  const body = rpcPolicies(rows).map((policy) => {
    const { title, rows: own } = policy
    const middle = (of: (row: Row) => number | undefined): number => summarize(own.map((row) => of(row) ?? Number.NaN)).median
    const wall = summarize(own.map(usPerCall))
    const change = rpcChange(policy)
    const workload = own[0]?.rpc?.workload
    const published = change === undefined || policy.thresholdBytes !== 0 || workload === undefined ? '' : SLIDES_RPC_PERCENT[workload]
    return [
      title,
      middle((row) => row.sends / row.seconds).toFixed(0),
      `${wall.median.toFixed(1)} ±${(wall.relativeSpread * 100).toFixed(0)}%`,
      change === undefined ? '' : gainText(change),
      typeof published === 'number' ? `${published > 0 ? '+' : ''}${published}%` : published,
      ...kinds.flatMap((kind) =>
        (['p50Us', 'p99Us', 'p999Us'] as const).map((field) => middle((row) => row.rpc?.[kind]?.[field]).toFixed(1)),
      ),
      middle((row) => ((row.cpuUserUs ?? Number.NaN) + (row.cpuSystemUs ?? Number.NaN)) / row.sends).toFixed(1),
      copiedText(own),
    ]
  })
  return textTable(header, body)
}
