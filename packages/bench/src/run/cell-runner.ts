import { openWriter } from '@sendzc/core'

import type { OwnCell, Transport } from '../cells/cell.js'
import type { Turn } from '../cells/turn.js'
import { connectTo, type Destination, defaultNoDelay, destinationOf } from '../ends/connect.js'
import { makePayload } from '../ends/payload.js'
import type { SocketSettings } from '../ends/socket-settings.js'
import { DriverLoad } from '../loads/driver-load.js'
import type { Load } from '../loads/load.js'
import { bufferCount, WriterLoad } from '../loads/writer-load.js'
import { backendFor } from '../machine/backends.js'
import type { ProcessorMeter } from '../machine/processor-meter.js'
import { registeredBuffers } from '../machine/registered-buffers.js'
import type { Row } from '../record/record.js'
import { type MeasuredCell, measuredOnWire, type WireMeter } from '../wire/wire-meter.js'
import { measure } from './measure.js'
import { measuredRow } from './measured-row.js'

/** Settings that all cells of a run share. */
export interface CellContext {
  destinations: ReadonlyMap<Transport, Destination>
  settings: SocketSettings
  /** Payload of every send; without it each write of the writer level has memory of its own, see {@link WriterLoad}. */
  payload?: Uint8Array | undefined
  /** TCP_NODELAY of every socket; {@link defaultNoDelay} by default. */
  noDelay?: boolean | undefined
  /** Reads the processors' counters for each row. */
  meter?: ProcessorMeter | undefined
  /** Sees the bytes leave, on a wire. */
  wire?: WireMeter | undefined
}

/** Opens the load of a cell over a connected socket. */
export async function openLoad(cell: OwnCell, fd: number, payload?: Uint8Array): Promise<Load> {
  const { interval, sizeBytes } = cell
  const registered = cell.backend === 'uring-fixed' ? registeredBuffers(bufferCount(interval, sizeBytes), sizeBytes) : undefined
  const backend = registered?.backend ?? backendFor(cell.backend, interval)
  const buffers = registered?.buffers
  if (cell.level === 'driver') return new DriverLoad({ backend, fd, interval, payload: buffers?.[0] ?? payload ?? makePayload(sizeBytes) })
  const writer = await openWriter(fd, { backend, ...thresholdFor(cell.backend), maxInFlight: WRITER_IN_FLIGHT })
  return new WriterLoad({ writer, interval, sizeBytes, payload, buffers })
}

/** A threshold would copy small writes; here every write takes the path that its row names. The threshold is a part of `auto`. */
export function thresholdFor(backend: OwnCell['backend']): { minZerocopyBytes?: number } {
  return backend === 'auto' ? {} : { minZerocopyBytes: 0 }
}

/** Messages in flight of a measured writer: more than the ring has buffers, so that the ring is the bound. */
const WRITER_IN_FLIGHT = 2_048

/** Measures a cell once, over a connection of its own. */
export function runCell(cell: OwnCell, turn: Turn, context: CellContext): Promise<Row> {
  return measuredOnWire(context.wire, () => runConnection(cell, turn, context))
}

async function runConnection(cell: OwnCell, turn: Turn, context: CellContext): Promise<MeasuredCell> {
  const destination = destinationOf(context, cell.transport)
  using socket = await connectTo(cell.transport, destination, context.settings, context.noDelay ?? defaultNoDelay(cell.level))
  const load = await openLoad(cell, socket.fd, context.payload)
  try {
    const row = measuredRow(cell, turn, await measure(load, cell.interval, turn.runtimeMs, context.meter))
    return { row, sentBytes: load.totals().bytes }
  } finally {
    await load.close()
  }
}
