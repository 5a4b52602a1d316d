import { openWriter } from '@sendzc/core'
import type { OpenSocket } from '@sendzc/socket'
import { BACKENDS, hasLevel, type OwnCell } from '../cells/cell.js'
import type { Command } from '../cli/command.js'
import { COMMON_OPTIONS, type OptionValues, read, withDefault } from '../cli/command-line.js'
import { BenchFailure, ExitStatus, type ExitStatusCode, messageOf } from '../cli/failure.js'
import { connectTo } from '../ends/connect.js'
import { ensureDescriptors } from '../ends/descriptors.js'
import { makePayload } from '../ends/payload.js'
import { congestionText, socketSettings } from '../ends/socket-settings.js'
import { FLEET_BURST, FLEET_IN_FLIGHT, FleetDriverLoad } from '../loads/fleet-driver-load.js'
import { FleetWriterLoad } from '../loads/fleet-writer-load.js'
import type { Load } from '../loads/load.js'
import { backendFor, probeBackends, selectBackends } from '../machine/backends.js'
import { chooseProcessors, pinSender } from '../machine/processors.js'
import { pairedRatio, type RatioEstimate, summarize } from '../numbers/statistics.js'
import type { Row } from '../record/record.js'
import { type CellContext, thresholdFor } from '../run/cell-runner.js'
import { openEnds } from '../run/ends.js'
import { measure } from '../run/measure.js'
import { measureRounds } from '../run/measure-rounds.js'
import { measuredRow } from '../run/measured-row.js'
import { RunRecord } from '../run/run-record.js'
import { readRequest } from '../run/run-request.js'
import { copiedText } from '../tables/sweep-table.js'
import { textTable } from '../tables/text-table.js'
import { type MeasuredCell, measuredOnWire } from '../wire/wire-meter.js'
import { WIRE_OPTIONS, wireOf } from '../wire/wire-options.js'
import { isInside, runInside } from '../wire/wire-run.js'

const DEFAULTS = { runtimeMs: 500, rounds: 5, counts: '1,10,100,1000,10000', sizeBytes: 16_384 } as const

/** Most connections of one run: below the receiver's bound, and what the ephemeral ports of one address allow. */
const MAX_CONNECTIONS = 10_000

/** Of the ring that all connections share: a quarter of its completions bounds them. The same at every number, so that only that differs. */
const RING = { completionEntries: 65_536 } as const

/** Connections opened at a time: below the listener's backlog. */
const CONNECT_BATCH = 64

/** Opening and closing one connection, and what a cell takes beside that and its time, in ms; only the progress bar uses them. */
const CONNECT_MS = 0.1
const OVERHEAD_MS = 20

/** Options of `bench connections`. */
export const CONNECTIONS_OPTIONS = {
  transports: { ...COMMON_OPTIONS.transports, help: 'default tcp4', schema: COMMON_OPTIONS.transports.schema.prefault('tcp4') },
  backends: COMMON_OPTIONS.backends,
  levels: COMMON_OPTIONS.levels,
  counts: {
    value: 'LIST',
    help: `how many connections share the sends (default ${DEFAULTS.counts})`,
    schema: read.wholes(1, MAX_CONNECTIONS).prefault(DEFAULTS.counts),
  },
  size: withDefault({ ...COMMON_OPTIONS.size, help: 'bytes of one send' }, DEFAULTS.sizeBytes),
  'runtime-ms': withDefault(COMMON_OPTIONS['runtime-ms'], DEFAULTS.runtimeMs),
  rounds: withDefault(COMMON_OPTIONS.rounds, DEFAULTS.rounds),
  json: COMMON_OPTIONS.json,
  resume: COMMON_OPTIONS.resume,
  to: COMMON_OPTIONS.to,
  ...WIRE_OPTIONS,
  cpus: COMMON_OPTIONS.cpus,
  congestion: COMMON_OPTIONS.congestion,
  seed: COMMON_OPTIONS.seed,
}

type ConnectionsOptions = OptionValues<typeof CONNECTIONS_OPTIONS>

/** A cell with a number of connections. */
interface FleetCell extends OwnCell {
  connections: number
}

async function connections(args: readonly string[]): Promise<ExitStatusCode> {
  const request = await readRequest('connections', args, CONNECTIONS_OPTIONS)
  const { options } = request
  const wire = wireOf(options)
  if (wire !== undefined && !isInside()) return runInside(wire)
  const most = Math.max(...options.counts)
  // One of each, and a second one of those that are being opened.
  ensureDescriptors(most + CONNECT_BATCH, `measure fewer connections than ${most} (--counts)`)
  const probes = probeBackends()
  const { backends, notes } = selectBackends(options.backends, probes)
  const processors = await chooseProcessors(options.cpus)
  const settings = await socketSettings(options.congestion)
  const remoteHost = options.to?.host ?? null
  const run = await RunRecord.begin({
    request,
    options: { ...options, backends, ...settings },
    processors,
    remoteHost,
    wire,
    probes,
  })
  run.note(congestionText(settings), ...notes)
  await using receivers = await openEnds({ transports: options.transports, to: options.to, cpu: processors.receiver, settings, wire })
  run.note(...receivers.notes)
  pinSender(processors)
  const cells = fleetCells({ ...options, transports: receivers.transports }, backends)
  const context: CellContext = { destinations: receivers.destinations, settings, runtimeMs: options['runtime-ms'], wire: receivers.wire }
  const outcome = await measureRounds(cells, run, {
    rounds: options.rounds,
    groupOf: ({ transport, level }) => `${transport} ${level}`,
    runtimeMs: context.runtimeMs,
    overheadMs: OVERHEAD_MS,
    expectedMs: ({ connections: count }) => context.runtimeMs + count * CONNECT_MS,
    warmups: [],
    measure: (cell, round, position, runtimeMs) => runFleet(cell, round, position, { ...context, runtimeMs }),
  })
  const path = await run.write(outcome.complete)
  const lines = [
    'CPU time of the sending process (getrusage) per send, in µs: median ± half the distance between the quartiles. Ratio: over the fewest connections,',
    'median of the ratios paired by round, with its bootstrap 95 % interval (below 1 = cheaper). On loopback the CPU time includes reception.',
    '',
    ...connectionsTable(outcome.rows),
    '',
    ...run.notes,
    `Up to ${FLEET_BURST} sends per turn, ${options.size} bytes each. Seed ${run.seed}. Record: ${path}`,
  ]
  process.stdout.write(`${lines.join('\n')}\n`)
  return outcome.complete ? ExitStatus.Ok : ExitStatus.Interrupted
}

function fleetCells(
  options: Pick<ConnectionsOptions, 'transports' | 'levels' | 'counts' | 'size'>,
  backends: readonly OwnCell['backend'][],
): FleetCell[] {
  const cells: FleetCell[] = []
  for (const transport of options.transports) {
    for (const level of options.levels) {
      for (const backend of backends.filter((one) => hasLevel(one, level))) {
        for (const count of options.counts)
          cells.push({ transport, backend, level, interval: 1, sizeBytes: options.size, connections: count })
      }
    }
  }
  return cells
}

function runFleet(cell: FleetCell, round: number, position: number, context: CellContext): Promise<Row> {
  return measuredOnWire(context.wire, () => runOpenFleet(cell, round, position, context))
}

async function runOpenFleet(cell: FleetCell, round: number, position: number, context: CellContext): Promise<MeasuredCell> {
  const destination = context.destinations.get(cell.transport)
  if (destination === undefined) throw new TypeError(`No receiver for ${cell.transport}.`)
  const fleet = cell.level === 'driver' ? driverFleet(cell) : writerFleet(cell)
  try {
    for (let opened = 0; opened < cell.connections; ) {
      const wanted = Math.min(CONNECT_BATCH, cell.connections - opened)
      await connectSome(wanted, opened, () => connectTo(cell.transport, destination, context.settings, true), fleet.add)
      opened += wanted
    }
    const measured = await measure(fleet.load, Math.max(1, Math.min(FLEET_BURST, cell.connections)), context.runtimeMs)
    return { row: measuredRow(cell, round, position, measured, cell.connections), sentBytes: fleet.load.totals().bytes }
  } finally {
    await fleet.load.close()
  }
}

/** A load, and how a connection joins it. */
interface Fleet {
  load: Load
  /** Takes in a connected descriptor, which its caller then closes: the fleet has duplicates of its own. */
  add: (fd: number) => Promise<void>
}

function driverFleet(cell: FleetCell): Fleet {
  const load = new FleetDriverLoad(backendFor(cell.backend, cell.interval, RING), makePayload(cell.sizeBytes))
  return { load, add: (fd) => Promise.resolve(load.add(fd)) }
}

function writerFleet(cell: FleetCell): Fleet {
  const load = new FleetWriterLoad(makePayload(cell.sizeBytes))
  const options = { backend: backendFor(cell.backend, cell.interval, RING), maxInFlight: FLEET_IN_FLIGHT, ...thresholdFor(cell.backend) }
  return { load, add: async (fd) => load.add(await openWriter(fd, options)) }
}

/**
 * Opens some connections at a time, hands each over, and closes what was opened: one descriptor is left of each.
 * @throws BenchFailure that names the first that failed
 */
async function connectSome(wanted: number, before: number, connect: () => Promise<OpenSocket>, add: Fleet['add']): Promise<void> {
  const opened = await Promise.allSettled(Array.from({ length: wanted }, connect))
  const sockets = opened.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []))
  try {
    const failed = opened.find((one) => one.status === 'rejected')
    if (failed !== undefined)
      throw new BenchFailure(
        `connection ${before + sockets.length + 1} failed: ${messageOf(failed.reason)}`,
        ExitStatus.Failed,
        failed.reason,
      )
    for (const { fd } of sockets) await add(fd)
  } finally {
    for (const socket of sockets) socket.close()
  }
}

/** CPU time of a row per send, in microseconds. */
function cpuUsPerSend(row: Row): number {
  return ((row.cpuUserUs ?? Number.NaN) + (row.cpuSystemUs ?? Number.NaN)) / row.sends
}

/** A line per level, transport, path and number of connections. */
export function connectionsTable(rows: readonly Row[]): string[] {
  const fewest = Math.min(...rows.map((row) => row.connections))
  const keys = new Set(rows.map((row) => JSON.stringify([row.level, row.transport, row.backend, row.connections])))
  const body = [...keys]
    .map((key) => JSON.parse(key) as [Row['level'], Row['transport'], Row['backend'], number])
    .sort((a, b) => a[0].localeCompare(b[0]) || a[1].localeCompare(b[1]) || rankOf(a[2]) - rankOf(b[2]) || a[3] - b[3])
    .map(([level, transport, backend, count]) => {
      const of = (wanted: number): Row[] =>
        rows.filter((row) => row.level === level && row.transport === transport && row.backend === backend && row.connections === wanted)
      const own = of(count)
      const { median, relativeSpread } = summarize(own.map(cpuUsPerSend))
      const ratio = count === fewest ? undefined : pairedRatio(costByRound(own), costByRound(of(fewest)))
      return [
        level,
        transport,
        backend,
        String(count),
        `${median.toFixed(2)} ±${(relativeSpread * 100).toFixed(0)}%`,
        summarize(own.map((row) => row.sends / row.seconds)).median.toFixed(0),
        summarize(own.map((row) => row.callsPerSend ?? Number.NaN)).median.toFixed(2),
        ratio === undefined ? '' : ratioText(ratio),
        copiedText(own),
      ]
    })
  return textTable(['level', 'transport', 'path', 'connections', 'CPU µs/send', 'sends/s', 'calls/send', 'ratio', 'copied'], body, [
    'left',
    'left',
    'left',
  ])
}

function ratioText({ median, low, high, verdict }: RatioEstimate): string {
  return verdict === 'same' ? 'no difference' : `${median.toFixed(2)} [${low.toFixed(2)}, ${high.toFixed(2)}]`
}

function rankOf(backend: Row['backend']): number {
  return (BACKENDS as readonly string[]).indexOf(backend)
}

function costByRound(rows: readonly Row[]): Map<number, number> {
  return new Map(rows.map((row) => [row.round, cpuUsPerSend(row)]))
}

/** `bench connections`. */
export const connectionsCommand: Command = {
  about: 'Measures what a send costs, in CPU time, at few and at many connections on one event loop.',
  options: CONNECTIONS_OPTIONS,
  run: connections,
}
