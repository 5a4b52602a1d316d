import type { OwnCell } from '../cells/cell.js'
import { plannedCells } from '../cells/plan.js'
import type { Command } from '../cli/command.js'
import { type OptionValues, read, withDefault } from '../cli/command-line.js'
import type { ExitStatusCode } from '../cli/failure.js'
import { ensureDescriptors } from '../ends/descriptors.js'
import { FLEET_BURST } from '../loads/fleet-driver-load.js'
import { CONNECT_BATCH, type FleetCell, runFleet } from '../run/fleet-cell.js'
import { COMMON_OPTIONS, RUN_OPTIONS, turnOptions, WAY_OPTIONS } from '../run/run-options.js'
import { readRequest } from '../run/run-request.js'
import { cellContext, withRun } from '../run/with-run.js'
import { connectionsTable } from '../tables/connections-table.js'

const DEFAULTS = { runtimeMs: 500, rounds: 5, counts: '1,10,100,1000,10000', sizeBytes: 16_384 } as const

/** Most connections of one run: below the receiver's bound, and what the ephemeral ports of one address allow. */
const MAX_CONNECTIONS = 10_000

/** Opening and closing one connection, in ms; only the progress bar uses it. */
const CONNECT_MS = 0.1

/** Options of `bench connections`. */
export const CONNECTIONS_OPTIONS = {
  transports: withDefault(COMMON_OPTIONS.transports, 'tcp4'),
  backends: COMMON_OPTIONS.backends,
  levels: COMMON_OPTIONS.levels,
  counts: {
    value: 'LIST',
    help: `how many connections share the sends (default ${DEFAULTS.counts})`,
    schema: read.wholes(1, MAX_CONNECTIONS).prefault(DEFAULTS.counts),
  },
  size: withDefault(COMMON_OPTIONS.size, DEFAULTS.sizeBytes),
  ...turnOptions(DEFAULTS),
  ...RUN_OPTIONS,
  ...WAY_OPTIONS,
}

type ConnectionsOptions = OptionValues<typeof CONNECTIONS_OPTIONS>

/** Every combination of what was asked for. */
function fleetCells(
  options: Pick<ConnectionsOptions, 'transports' | 'levels' | 'counts' | 'size'>,
  backends: readonly OwnCell['backend'][],
) {
  const plan = { transports: options.transports, levels: options.levels, sizes: [options.size], intervals: [1] }
  return plannedCells(plan, backends).flatMap((cell) => options.counts.map((count): FleetCell => ({ ...cell, connections: count })))
}

async function connections(args: readonly string[]): Promise<ExitStatusCode> {
  const request = await readRequest('connections', args, CONNECTIONS_OPTIONS)
  const { options } = request
  const most = Math.max(...options.counts)
  // One of each, and a second one of those that are being opened.
  ensureDescriptors(most + CONNECT_BATCH, `measure fewer connections than ${most} (--counts)`)
  return withRun(request, { prepare: () => ({}) }, async (run, ends) => {
    const cells = fleetCells({ ...options, transports: ends.transports }, run.backends)
    const context = cellContext(run, ends)
    const outcome = await run.measure(cells, (cell, turn) => runFleet(cell, turn, context), {
      groupOf: ({ transport, level }) => `${transport} ${level}`,
      expectedMs: ({ connections: count }) => options['runtime-ms'] + count * CONNECT_MS,
      warmups: [],
    })
    return {
      outcome,
      print: (rows) => [
        'CPU time of the sending process (getrusage) per send, in µs: median ± half the distance between the quartiles. Ratio: over the fewest connections,',
        'median of the ratios paired by round, with its bootstrap 95 % interval (below 1 = cheaper). On loopback the CPU time includes reception.',
        '',
        ...connectionsTable(rows),
      ],
      footer: [`Up to ${FLEET_BURST} sends per turn, ${options.size} bytes each.`],
    }
  })
}

/** `bench connections`. */
export const connectionsCommand: Command = {
  about: 'Measures what a send costs, in CPU time, at few and at many connections on one event loop.',
  options: CONNECTIONS_OPTIONS,
  run: connections,
}
