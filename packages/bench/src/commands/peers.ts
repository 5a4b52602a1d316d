import { MAX_SELFTEST_BYTES, SELFTEST_RUNTIME_MS } from '../c-programs/selftest-run.js'
import { CELL_LIMITS, DEFAULT_SIZE_BYTES } from '../cells/cell.js'
import { checkDatagramSize } from '../cells/plan.js'
import type { Command } from '../cli/command.js'
import { read, withDefault } from '../cli/command-line.js'
import type { ExitStatusCode } from '../cli/failure.js'
import { isSelftest, runPeerCell } from '../run/peer-cell.js'
import { preparePeers } from '../run/peer-plan.js'
import { ALL_PATHS_OPTION, COMMON_OPTIONS, pathsOf, RUN_OPTIONS, turnOptions, WAY_OPTIONS } from '../run/run-options.js'
import { readRequest } from '../run/run-request.js'
import { warmupTurns } from '../run/warmup.js'
import { cellContext, withRun } from '../run/with-run.js'
import { compare, peersTable } from '../tables/peers-table.js'

/** Ours run as long as the C programs: a connection begins slowly, and theirs is a new one in each round, too. */
const DEFAULTS = { runtimeMs: SELFTEST_RUNTIME_MS, rounds: 5, intervals: '1,32' } as const

/** Options of `bench peers`. */
export const PEERS_OPTIONS = {
  transports: COMMON_OPTIONS.transports,
  backends: ALL_PATHS_OPTION,
  intervals: withDefault(COMMON_OPTIONS.intervals, DEFAULTS.intervals),
  levels: COMMON_OPTIONS.levels,
  size: {
    ...COMMON_OPTIONS.size,
    help: `bytes of one send, K and M allowed (default ${DEFAULT_SIZE_BYTES}, and 64K, 256K and 1M beside net.Socket.write); the C programs take up to ${MAX_SELFTEST_BYTES}`,
    schema: read.whole(1, CELL_LIMITS.sizeBytes, true).optional(),
  },
  ...turnOptions(DEFAULTS),
  ...RUN_OPTIONS,
  ...WAY_OPTIONS,
}

async function peers(args: readonly string[]): Promise<ExitStatusCode> {
  const request = await readRequest('peers', args, PEERS_OPTIONS)
  const { options } = request
  if (options.size !== undefined) checkDatagramSize(options.transports, options.size)
  return withRun(request, { paths: pathsOf(options), prepare: (stage) => preparePeers(options, stage) }, async (run, ends) => {
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

/** `bench peers`. */
export const peersCommand: Command = {
  about: "Measures ours beside the kernel's own C selftests (built from linux-source at run time), net.Socket.write and dgram.send.",
  options: PEERS_OPTIONS,
  run: peers,
}
