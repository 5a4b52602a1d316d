import { openWriter } from '@sendzc/core'
import type { OpenSocket } from '@sendzc/socket'
import type { OwnCell } from '../cells/cell.js'
import type { Turn } from '../cells/turn.js'
import { BenchFailure, ExitStatus, messageOf } from '../cli/failure.js'
import { connectTo, destinationOf } from '../ends/connect.js'
import { makePayload } from '../ends/payload.js'
import { FLEET_BURST, FLEET_IN_FLIGHT, FleetDriverLoad } from '../loads/fleet-driver-load.js'
import { FleetWriterLoad } from '../loads/fleet-writer-load.js'
import type { Load } from '../loads/load.js'
import { backendFor } from '../machine/backends.js'
import type { Row } from '../record/record.js'
import { type MeasuredCell, measuredOnWire } from '../wire/wire-meter.js'
import { type CellContext, thresholdFor } from './cell-runner.js'
import { measure } from './measure.js'
import { measuredRow } from './measured-row.js'

/** Options of the ring that all connections share: a quarter of its completions bounds them. The same at every number, so that only that differs. */
const RING = { completionEntries: 65_536 } as const

/** Connections opened at a time: below the listener's backlog. */
export const CONNECT_BATCH = 64

/** A cell with a number of connections. */
export interface FleetCell extends OwnCell {
  connections: number
}

/** Measures such a cell once, over connections of its own. */
export function runFleet(cell: FleetCell, turn: Turn, context: CellContext): Promise<Row> {
  return measuredOnWire(context.wire, () => runOpenFleet(cell, turn, context))
}

async function runOpenFleet(cell: FleetCell, turn: Turn, context: CellContext): Promise<MeasuredCell> {
  const destination = destinationOf(context, cell.transport)
  const fleet = cell.level === 'driver' ? driverFleet(cell) : writerFleet(cell)
  try {
    for (let opened = 0; opened < cell.connections; ) {
      const wanted = Math.min(CONNECT_BATCH, cell.connections - opened)
      await connectSome(wanted, opened, () => connectTo(cell.transport, destination, context.settings, true), fleet.add)
      opened += wanted
    }
    const measured = await measure(fleet.load, Math.max(1, Math.min(FLEET_BURST, cell.connections)), turn.runtimeMs)
    return { row: measuredRow(cell, turn, measured, cell.connections), sentBytes: fleet.load.totals().bytes }
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
