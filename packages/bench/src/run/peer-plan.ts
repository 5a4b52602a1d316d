import { MAX_SELFTEST_BYTES } from '../c-programs/selftest-run.js'
import { buildSelftests, type Selftests } from '../c-programs/selftests.js'
import { type BackendLabel, type Cell, DEFAULT_SIZE_BYTES, isStream, type OwnCell } from '../cells/cell.js'
import type { CellPlan } from '../cells/plan.js'
import { BenchFailure } from '../cli/failure.js'
import { COMPARISONS } from '../tables/peers-table.js'
import { isSelftest } from './peer-cell.js'
import type { Stage } from './stage.js'

/** Sizes at which Node's own stream sockets are compared, in bytes: 64 KB, 256 KB and 1 MB. */
const NODE_STREAM_SIZES_BYTES = [65_536, 262_144, 1_048_576] as const

/** The parts of a plan of cells. */
interface PeerPlan extends Omit<CellPlan, 'sizes'> {
  /** Bytes of one send; undefined = those of each comparison. */
  size: number | undefined
  backends?: readonly BackendLabel[] | undefined
}

/** Every cell that a comparison needs, once: ours and theirs, for what works here. */
export function peerCells(options: PeerPlan, works: (ours: OwnCell['backend']) => boolean, selftests: Pick<Selftests, 'ioUring'>): Cell[] {
  const cells = new Map<string, Cell>()
  const add = (cell: Cell): void => void cells.set(JSON.stringify(cell), cell)
  for (const { ours, peer } of COMPARISONS) {
    if (!works(ours.backend) || !options.levels.includes(ours.level)) continue
    if (isSelftest(peer) && (options.size ?? 0) > MAX_SELFTEST_BYTES) continue
    if (isSelftest(peer) && peer !== 'c-msg_zerocopy' && selftests.ioUring === undefined) continue
    for (const transport of options.transports) {
      if (peer === (isStream(transport) ? 'dgram.send' : 'net.Socket.write')) continue
      const usual = peer === 'net.Socket.write' ? NODE_STREAM_SIZES_BYTES : [DEFAULT_SIZE_BYTES]
      const sizes = options.size === undefined ? usual : [options.size]
      for (const interval of options.intervals) {
        for (const sizeBytes of sizes) {
          add({ transport, backend: ours.backend, level: ours.level, interval, sizeBytes })
          add({ transport, backend: peer, level: 'peer', interval, sizeBytes })
        }
      }
    }
  }
  return [...cells.values()]
}

/** Plans, and builds the C programs where the plan has any. */
export async function preparePeers(options: PeerPlan, { backends }: Stage) {
  const cellsOf = (transports: PeerPlan['transports'], built: Pick<Selftests, 'ioUring'>): Cell[] => {
    const cells = peerCells({ ...options, transports }, (backend) => backends.includes(backend), built)
    if (cells.length === 0) throw new BenchFailure(nothingToCompare(options))
    return cells
  }
  // Before anything is built: a plan that is empty with every program is empty.
  const wanted = cellsOf(options.transports, { ioUring: '' })
  const selftests = wanted.some(({ backend }) => isSelftest(backend))
    ? await buildSelftests((line) => process.stderr.write(`${line}\n`))
    : undefined
  const notes = [
    ...(selftests === undefined
      ? []
      : [`C: msg_zerocopy.c and io_uring_zerocopy_tx.c of ${selftests.source}, gcc -O2.`, ...selftests.notes]),
    ...((options.size ?? 0) > MAX_SELFTEST_BYTES ? [tooLargeForC(options.size)] : []),
  ]
  return { notes, selftests, cellsOf }
}

function tooLargeForC(sizeBytes: number | undefined): string {
  return `Left out: the C programs, whose sends hold at most ${MAX_SELFTEST_BYTES} bytes, not ${sizeBytes}.`
}

function nothingToCompare({ backends, levels, size }: PeerPlan): string {
  const reasons = [
    ...((size ?? 0) > MAX_SELFTEST_BYTES ? [tooLargeForC(size)] : []),
    `No comparison has ${levels.join(' or ')} level${backends === undefined ? '' : ` with ${backends.join(', ')}`} in it there.`,
  ]
  return `There is nothing to compare. ${reasons.join(' ')} Node's own sockets stand beside copy and auto at the writer level.`
}
