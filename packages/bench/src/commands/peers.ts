import { MAX_SELFTEST_BYTES, SELFTEST_RUNTIME_MS } from '../c-programs/selftest-run.js'
import { buildSelftests, type Selftests } from '../c-programs/selftests.js'
import { CELL_LIMITS, type Cell, DEFAULT_SIZE_BYTES, isStream, type OwnCell } from '../cells/cell.js'
import { checkDatagramSize } from '../cells/plan.js'
import type { Command } from '../cli/command.js'
import { type OptionValues, read, withDefault } from '../cli/command-line.js'
import { BenchFailure, type ExitStatusCode } from '../cli/failure.js'
import { isSelftest, runPeerCell } from '../run/peer-cell.js'
import { COMMON_OPTIONS, RUN_OPTIONS, turnOptions, WAY_OPTIONS } from '../run/run-options.js'
import { readRequest } from '../run/run-request.js'
import type { Stage } from '../run/stage.js'
import { warmupTurns } from '../run/warmup.js'
import { cellContext, withRun } from '../run/with-run.js'
import { COMPARISONS, compare, peersTable } from '../tables/peers-table.js'

/** Ours run as long as the C programs: a connection begins slowly, and theirs is a new one in each round, too. */
const DEFAULTS = { runtimeMs: SELFTEST_RUNTIME_MS, rounds: 5, intervals: '1,32' } as const

/** Sizes at which Node's own stream sockets are compared, in bytes: 64 KB and 1 MB. */
const NODE_STREAM_SIZES_BYTES = [65_536, 1_048_576] as const

/** Options of `bench peers`. */
export const PEERS_OPTIONS = {
  transports: COMMON_OPTIONS.transports,
  backends: COMMON_OPTIONS.backends,
  intervals: withDefault(COMMON_OPTIONS.intervals, DEFAULTS.intervals),
  levels: COMMON_OPTIONS.levels,
  size: {
    ...COMMON_OPTIONS.size,
    help: `bytes of one send, K and M allowed (default ${DEFAULT_SIZE_BYTES}, and 64K and 1M beside net.Socket.write); the C programs take up to ${MAX_SELFTEST_BYTES}`,
    schema: read.whole(1, CELL_LIMITS.sizeBytes, true).optional(),
  },
  ...turnOptions(DEFAULTS),
  ...RUN_OPTIONS,
  ...WAY_OPTIONS,
}

type PeersOptions = OptionValues<typeof PEERS_OPTIONS>

/** The parts of a plan of cells. */
type PeerPlan = Pick<PeersOptions, 'transports' | 'intervals' | 'levels' | 'size'>

/** Every cell that a comparison needs, once: ours and theirs, for what works here. */
export function peerCells(options: PeerPlan, works: (ours: OwnCell['backend']) => boolean, selftests: Pick<Selftests, 'ioUring'>): Cell[] {
  const cells = new Map<string, Cell>()
  const add = (cell: Cell): void => void cells.set(JSON.stringify(cell), cell)
  for (const { ours, peer } of COMPARISONS) {
    if (!works(ours.backend) || !options.levels.includes(ours.level)) continue
    if (isSelftest(peer) && (options.size ?? 0) > MAX_SELFTEST_BYTES) continue
    if (peer === 'c-io_uring' && selftests.ioUring === undefined) continue
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
async function preparePeers(options: PeersOptions, { backends }: Stage) {
  const cellsOf = (transports: PeersOptions['transports'], built: Pick<Selftests, 'ioUring'>): Cell[] => {
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

async function peers(args: readonly string[]): Promise<ExitStatusCode> {
  const request = await readRequest('peers', args, PEERS_OPTIONS)
  const { options } = request
  if (options.size !== undefined) checkDatagramSize(options.transports, options.size)
  return withRun(request, { prepare: (stage) => preparePeers(options, stage) }, async (run, ends) => {
    const { selftests, cellsOf } = run.prepared
    // As the selftest: the same socket on both sides.
    const context = { ...cellContext(run, ends), noDelay: false, selftests, processors: run.processors }
    const cells = cellsOf(ends.transports, { ioUring: selftests?.ioUring })
    const outcome = await run.measure(cells, (cell, turn) => runPeerCell(cell, turn, context), {
      expectedMs: ({ backend }) => (isSelftest(backend) ? SELFTEST_RUNTIME_MS : options['runtime-ms']),
      warmups: warmupTurns(cells.filter(({ backend }) => !isSelftest(backend))),
    })
    return {
      outcome,
      print: (rows) => [
        'Sends of full size per second: median ± half the distance between the quartiles. Ratio: ours over the peer, median of the ratios paired',
        'by round, with its bootstrap 95 % interval. CPU/send: CPU time of the sending process (getrusage) per send, ours over the peer; below 1 = cheaper.',
        'Copied: share of the messages that the kernel copied, ours / the peer (- = it does not tell).',
        '',
        ...peersTable(compare(rows)),
      ],
      footer: [`The C programs always run for ${SELFTEST_RUNTIME_MS} ms.`],
    }
  })
}

function tooLargeForC(sizeBytes: number | undefined): string {
  return `Left out: the C programs, whose sends hold at most ${MAX_SELFTEST_BYTES} bytes, not ${sizeBytes}.`
}

function nothingToCompare({ backends, levels, size }: PeersOptions): string {
  const reasons = [
    ...((size ?? 0) > MAX_SELFTEST_BYTES ? [tooLargeForC(size)] : []),
    `No comparison has ${levels.join(' or ')} level${backends === undefined ? '' : ` with ${backends.join(', ')}`} in it there.`,
  ]
  return `There is nothing to compare. ${reasons.join(' ')} Node's own sockets stand beside copy and auto at the writer level.`
}

/** `bench peers`. */
export const peersCommand: Command = {
  about: "Measures ours beside the kernel's own C selftests (built from linux-source at run time), net.Socket.write and dgram.send.",
  options: PEERS_OPTIONS,
  run: peers,
}
