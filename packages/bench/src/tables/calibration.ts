import { BACKENDS, type BackendLabel, isStream, TRANSPORT_TITLES, TRANSPORTS, type Transport } from '../cells/cell.js'
import { summarize } from '../numbers/statistics.js'
import { copiedShare, type Row } from '../record/record.js'
import { costRatio, MEASURES, type Measure, percentText } from './sizes-table.js'
import { copiedText } from './sweep-table.js'
import { textTable } from './text-table.js'

const CPU = MEASURES[0] as Measure

/** Share of CPU time above the cheapest interval's, up to which a shorter interval is as good: it gives memory back earlier. */
const AS_CHEAP_SHARE = 0.03

/** Share of copied messages above which the path counts as one that copies; uring also reports copies for some messages that TCP has joined. */
const COPIED_SHARE = 0.5

/** Smallest write that `auto()` shares within a message of joined writes, in bytes: pinning a smaller one costs more than copying it. */
const MIN_WRITE_BYTES = 4_096

/** Paths that share memory, as a caller writes them. */
const CALLS: Partial<Record<Row['backend'], (interval: number) => string>> = {
  uring: () => 'uring()',
  inline: (interval) => `inline({ interval: ${interval} })`,
  'errqueue-recvmmsg': (interval) => `errqueue({ interval: ${interval} })`,
}

/** The result for one transport and path. */
export interface BreakEven {
  transport: Transport
  backend: BackendLabel
  /** Smallest measured size from which on sharing takes no more CPU time than copying, in bytes; null = none. */
  bytes: number | null
  /** Sends between two collections. */
  interval: number
}

/**
 * Where sharing memory begins to pay, per transport and path.
 * @param rows - sizes at the writer level, and intervals at the driver level
 */
export function breakEvens(rows: readonly Row[]): BreakEven[] {
  return TRANSPORTS.flatMap((transport) =>
    BACKENDS.filter((backend) => CALLS[backend] !== undefined).flatMap((backend) => {
      const here = rows.filter((row) => row.transport === transport)
      const own = here.filter((row) => row.backend === backend)
      const intervals = own.filter((row) => row.level === 'driver')
      return own.length === 0 ? [] : [{ transport, backend, bytes: breakEvenBytes(here, backend), interval: cheapestInterval(intervals) }]
    }),
  )
}

function breakEvenBytes(rows: readonly Row[], backend: BackendLabel): number | null {
  let found: number | null = null
  for (const sizeBytes of sizesOf(rows).reverse()) {
    const ratio = costRatio(cell(rows, backend, sizeBytes), cell(rows, 'copy', sizeBytes), CPU)
    if (ratio === undefined || ratio.median > 1) break
    found = sizeBytes
  }
  return found
}

/** Ascending. */
function sizesOf(rows: readonly Row[]): number[] {
  return [...new Set(rows.filter((row) => row.level === 'writer').map(({ sizeBytes }) => sizeBytes))].sort((a, b) => a - b)
}

function cell(rows: readonly Row[], backend: Row['backend'], sizeBytes: number): Row[] {
  return rows.filter((row) => row.level === 'writer' && row.backend === backend && row.sizeBytes === sizeBytes)
}

function medianCost(rows: readonly Row[]): number {
  return summarize(rows.map((row) => CPU.of(row) ?? Number.NaN)).median
}

function cheapestInterval(rows: readonly Row[]): number {
  const intervals = [...new Set(rows.map(({ interval }) => interval))].sort((a, b) => a - b)
  const costs = intervals.map((interval) => ({ interval, cost: medianCost(rows.filter((row) => row.interval === interval)) }))
  const least = Math.min(...costs.map(({ cost }) => cost))
  return costs.find(({ cost }) => cost <= least * (1 + AS_CHEAP_SHARE))?.interval ?? 1
}

/** A table per transport: the cost of sharing as percent of that of copying, by size. */
export function calibrationTables(rows: readonly Row[]): string[] {
  return TRANSPORTS.flatMap((transport) => {
    const here = rows.filter((row) => row.transport === transport)
    if (here.length === 0) return []
    const paths = BACKENDS.filter((backend) => backend !== 'copy' && here.some((row) => row.backend === backend))
    const body = sizesOf(here).map((sizeBytes) => {
      const copy = cell(here, 'copy', sizeBytes)
      const cells = paths.flatMap((backend) => {
        const own = cell(here, backend, sizeBytes)
        return [percentText(costRatio(own, copy, CPU)), copiedText(own)]
      })
      return [String(sizeBytes), medianCost(copy).toFixed(1), ...cells]
    })
    const header = ['bytes', 'copy, ns/KB', ...paths.flatMap((backend) => [`${backend}, %`, 'copied'])]
    const what = isStream(transport) ? 'a write of so many bytes, awaited' : 'datagrams of so many bytes, eight at a time'
    return ['', `${TRANSPORT_TITLES[transport]}: ${what}`, ...textTable(header, body, ['right'])]
  })
}

/** The options that follow from it, as a caller writes them; or the reason why none do. */
export function advice(rows: readonly Row[]): string[] {
  const shared = rows.filter(({ backend }) => backend !== 'copy')
  if ((copiedShare(shared) ?? 1) > COPIED_SHARE)
    return [
      'No options follow: the kernel copied what asked for zero-copy, as it does wherever both ends are on this machine.',
      'This says nothing of a NIC. Run it where the wire works (bench doctor says what it lacks), or with --to HOST:PORT.',
    ]
  const lines = breakEvens(rows).map(({ transport, backend, bytes, interval }) => {
    const call = CALLS[backend]?.(interval) ?? backend
    const options =
      bytes === null
        ? `${call}: copy() is cheaper at every size that was measured`
        : `openWriter(socket, { backend: ${call}, minZerocopyBytes: ${Math.min(bytes, MIN_WRITE_BYTES)}, minZerocopyMessageBytes: ${bytes} })`
    return [TRANSPORT_TITLES[transport], options]
  })
  return [
    'Options for this machine:',
    '',
    ...textTable(['', ''], lines, ['left', 'left'])
      .slice(2)
      .map((line) => `  ${line}`),
  ]
}
