import type { Command } from '../cli/command.js'
import { withDefault } from '../cli/command-line.js'
import type { ExitStatusCode } from '../cli/failure.js'
import { DATAGRAM_BURST, DATAGRAM_SEGMENTS, datagramCells, MANY_RECEIVERS, runDatagramCell } from '../run/datagram-cell.js'
import { COMMON_OPTIONS, RUN_OPTIONS, turnOptions, WAY_OPTIONS } from '../run/run-options.js'
import { readRequest } from '../run/run-request.js'
import { cellContext, withRun } from '../run/with-run.js'
import { datagramBars, datagramsTable } from '../tables/datagrams-table.js'

/** 1,200 bytes fit every path: the smallest MTU of IPv6 less the headers, rounded. */
const DEFAULTS = { transports: 'udp4', sizeBytes: 1_200, runtimeMs: 100, rounds: 9 } as const

/** Paths that are measured: one that copies, and those that can share the memory of segments. */
const PATHS = ['copy', 'errqueue-recvmmsg', 'uring'] as const

/** Options of `bench datagrams`. */
export const DATAGRAMS_OPTIONS = {
  transports: withDefault(COMMON_OPTIONS.transports, DEFAULTS.transports),
  backends: COMMON_OPTIONS.backends,
  size: withDefault(COMMON_OPTIONS.size, DEFAULTS.sizeBytes),
  ...turnOptions(DEFAULTS),
  ...RUN_OPTIONS,
  ...WAY_OPTIONS,
}

async function datagrams(args: readonly string[]): Promise<ExitStatusCode> {
  const request = await readRequest('datagrams', args, DATAGRAMS_OPTIONS)
  const plan = { paths: PATHS, prepare: () => ({}) }
  return withRun(request, plan, async (run, ends) => {
    const udp = ends.transports.filter((transport) => transport === 'udp4' || transport === 'udp6')
    const cells = datagramCells(udp, run.backends, request.options.size)
    const context = cellContext(run, ends)
    const outcome = await run.measure(cells, (cell, turn) => runDatagramCell(cell, turn, context), {
      groupOf: ({ transport }) => transport,
      warmups: cells.map((cell) => ({ cell, round: 0 })),
    })
    return {
      outcome,
      print: (rows) => [
        'CPU time of the sending process (getrusage) per datagram: median ± half the distance between the quartiles. Ratio: median of the ratios paired',
        'by round, with its bootstrap 95 % interval. On loopback the CPU time includes reception.',
        '',
        ...datagramsTable(rows),
        '',
        ...datagramBars(rows),
      ],
      footer: [
        `${DATAGRAM_BURST} datagrams of ${request.options.size} bytes at a time; ${DATAGRAM_SEGMENTS} segments a write; "to 100" is ${MANY_RECEIVERS} receivers in turn, told apart by port.`,
      ],
    }
  })
}

/** `bench datagrams`. */
export const datagramsCommand: Command = {
  about:
    'Measures what a datagram costs, in CPU time: connected and addressed, to one receiver and to many, with segments, beside dgram.send.',
  options: DATAGRAMS_OPTIONS,
  run: datagrams,
}
