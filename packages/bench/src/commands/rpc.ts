import { BACKENDS } from '../cells/cell.js'
import type { Command } from '../cli/command.js'
import { read } from '../cli/command-line.js'
import { BenchFailure, type ExitStatusCode } from '../cli/failure.js'
import { Responders } from '../rpc/responders.js'
import { MAX_REQUEST_BYTES } from '../rpc/rpc-frame.js'
import { thresholdList } from '../rpc/thresholds.js'
import { rpcCells, runCalls } from '../run/rpc-cell.js'
import { COMMON_OPTIONS, RUN_OPTIONS, turnOptions } from '../run/run-options.js'
import { readRequest } from '../run/run-request.js'
import { withRunTo } from '../run/with-run.js'
import { rpcTables } from '../tables/rpc-table.js'

/** The slides' sizes. About two minutes with two backends. */
const DEFAULTS = { small: '2', large: '98K', thresholds: '0,10K,never', runtimeMs: 400, rounds: 9 } as const

/** Transports of this command: calls need a stream. */
const RPC_TRANSPORTS = ['tcp4', 'tcp6'] as const

/** Backends whose writer asks for zero-copy as the threshold says; `auto` decides for itself. */
const RPC_BACKENDS = BACKENDS.filter((backend) => backend !== 'copy')

/** Options of `bench rpc`. */
export const RPC_OPTIONS = {
  transports: {
    value: 'LIST',
    help: `out of ${RPC_TRANSPORTS.join(',')} (default tcp4)`,
    schema: read.words(RPC_TRANSPORTS).prefault('tcp4'),
  },
  backends: {
    value: 'LIST',
    help: `out of ${RPC_BACKENDS.join(',')} (default: what works here)`,
    schema: read.words(RPC_BACKENDS).optional(),
  },
  thresholds: {
    value: 'LIST',
    help: `minZerocopyBytes of the writer: bytes, or never (default ${DEFAULTS.thresholds}); auto keeps its own`,
    schema: thresholdList.prefault(DEFAULTS.thresholds),
  },
  small: {
    value: 'BYTES',
    help: `of a small request (default ${DEFAULTS.small})`,
    schema: read.whole(1, MAX_REQUEST_BYTES, true).prefault(DEFAULTS.small),
  },
  large: {
    value: 'BYTES',
    help: `of a large request (default ${DEFAULTS.large})`,
    schema: read.whole(1, MAX_REQUEST_BYTES, true).prefault(DEFAULTS.large),
  },
  to: { ...COMMON_OPTIONS.to, help: 'call `bench serve --rpc` on another machine' },
  ...turnOptions(DEFAULTS),
  ...RUN_OPTIONS,
}

async function rpc(args: readonly string[]): Promise<ExitStatusCode> {
  const request = await readRequest('rpc', args, RPC_OPTIONS)
  const { options } = request
  if (options.small > options.large) throw new BenchFailure(`--small: ${options.small} bytes are more than --large (${options.large}).`)
  const plan = { paths: RPC_BACKENDS, prepare: () => ({ recorded: { nodelay: true } }) }
  const open = ({ processors }: { processors: { receiver: number | null } }) => Responders.start(options, processors.receiver)
  return withRunTo(request, plan, open, async (run, { destinations }) => {
    const cells = rpcCells(options, run.backends)
    const context = { destinations, settings: run.settings, options, seed: run.record.seed }
    const outcome = await run.measure(cells, (cell, turn) => runCalls(cell, turn, context), {
      groupOf: ({ transport, workload }) => `${transport} ${workload}`,
      warmups: cells.filter(({ workload }) => workload === 'mixed').map((cell) => ({ cell, round: 0 })),
    })
    return {
      outcome,
      print: (rows) => [
        'Calls one after the other over one connection: a request of so many bytes and its header, an answer of 2 bytes. µs/call: wall clock, median',
        'over the rounds ± half the distance between the quartiles. Change: wall clock per call against never asking for zero-copy on the same path',
        '(auto: on the first one), median of the ratios paired by round, with its bootstrap 95 % interval. Slides: that of their TensorFlow benchmark.',
        'CPU: user and kernel mode of the calling process (getrusage). Copied: share of the messages that were copied.',
        ...rpcTables(rows),
      ],
      footer: ['Mixed: as many small requests as large ones, in random order, the same for every path of a round. TCP_NODELAY: on.'],
    }
  })
}

/** `bench rpc`. */
export const rpcCommand: Command = {
  about: "The slides' RPC benchmark: calls with small and with large requests and a mix of both, with fixed thresholds and with auto.",
  options: RPC_OPTIONS,
  run: rpc,
}
