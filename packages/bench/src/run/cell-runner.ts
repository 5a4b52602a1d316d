import { openWriter } from '@sendzc/core'
import { type OpenSocket, openSocket } from '@sendzc/socket'
import { makePayload } from '../ends/payload.js'
import type { SocketSettings } from '../ends/socket-settings.js'
import { DriverLoad } from '../loads/driver-load.js'
import type { Load } from '../loads/load.js'
import { WriterLoad } from '../loads/writer-load.js'
import type { ProcessorMeter } from '../machine/processor-meter.js'
import type { Row } from '../record/record.js'
import type { WireMeter } from '../wire/wire-meter.js'
import { backendFor } from './backends.js'
import { familyOf, isStream, type OwnCell, type Transport } from './cell.js'
import { measure } from './measure.js'
import { measuredRow } from './measured-row.js'

/** Where a transport's bytes go. */
export interface Destination {
  /** Numeric address, or a name. */
  host: string
  port: number
}

/** What all cells of a run share. */
export interface CellContext {
  destinations: ReadonlyMap<Transport, Destination>
  settings: SocketSettings
  runtimeMs: number
  /** What every send carries; without it each write of the writer level has memory of its own, see {@link WriterLoad}. */
  payload?: Uint8Array | undefined
  /** TCP_NODELAY of every socket; {@link defaultNoDelay} by default. */
  noDelay?: boolean | undefined
  /** What else a row tells of the processors. */
  meter?: ProcessorMeter | undefined
  /** Sees the bytes leave, on a wire. */
  wire?: WireMeter | undefined
}

/**
 * Opens a socket with the settings of the run.
 * @param noDelay - TCP_NODELAY; without it, as in the selftest, what is sent before the last is on its way joins it, which decides how
 *   wide the ranges of the notifications are
 * @throws ZeroCopyError, ERR_ZC_CONNECTION_REFUSED where nobody listens
 */
export function connectTo(transport: Transport, destination: Destination, settings: SocketSettings, noDelay: boolean): Promise<OpenSocket> {
  const { host, port } = destination
  const common = { family: familyOf(transport), host, port, sendBufferBytes: settings.sendBufferBytes } as const
  if (!isStream(transport)) return openSocket({ protocol: 'udp', ...common })
  return openSocket({ protocol: 'tcp', noDelay, ...congestionOption(settings), ...common })
}

/** TCP_CONGESTION of `openSocket`, where the run sets one. */
export function congestionOption({ congestionControl }: SocketSettings): { congestionControl?: string } {
  return congestionControl === null ? {} : { congestionControl }
}

/**
 * TCP_NODELAY unless the user says otherwise. The driver level follows the kernel's selftest and the paper: off. The writer level is what
 * a user gets: `openSocket` turns it on, since a sender that waits for its buffers would else wait for delayed acknowledgements.
 */
export function defaultNoDelay(level: OwnCell['level']): boolean {
  return level === 'writer'
}

/** Opens the load of a cell over a connected socket. */
export async function openLoad(cell: OwnCell, fd: number, payload?: Uint8Array): Promise<Load> {
  const backend = backendFor(cell.backend, cell.interval)
  const { interval, sizeBytes } = cell
  if (cell.level === 'driver') return new DriverLoad({ backend, fd, interval, payload: payload ?? makePayload(sizeBytes) })
  const writer = await openWriter(fd, { backend, ...thresholdFor(cell.backend), maxInFlight: WRITER_IN_FLIGHT })
  return new WriterLoad({ writer, interval, sizeBytes, payload })
}

/** The threshold would copy what is small: here every write takes the path that the row names. To `auto` the threshold belongs. */
export function thresholdFor(backend: OwnCell['backend']): { minZerocopyBytes?: number } {
  return backend === 'auto' ? {} : { minZerocopyBytes: 0 }
}

/** Messages in flight of a measured writer: above what the ring of buffers holds, so that the ring is the bound. */
const WRITER_IN_FLIGHT = 2_048

/** What {@link measuredOnWire} needs of a measurement that may be one on a wire. */
export interface MeasuredCell {
  row: Row
  /** Bytes that the sender handed to the kernel since its connections were opened; null = it does not tell. */
  sentBytes: number | null
}

/** Runs a measurement, and on a wire checks what it says against what left. */
export async function measuredOnWire(wire: WireMeter | undefined, measureCell: () => Promise<MeasuredCell>): Promise<Row> {
  return wire === undefined ? (await measureCell()).row : wire.measured(measureCell)
}

/** Measures a cell once, over a connection of its own. */
export function runCell(cell: OwnCell, round: number, position: number, context: CellContext): Promise<Row> {
  return measuredOnWire(context.wire, () => runConnection(cell, round, position, context))
}

async function runConnection(cell: OwnCell, round: number, position: number, context: CellContext): Promise<MeasuredCell> {
  const destination = context.destinations.get(cell.transport)
  if (destination === undefined) throw new TypeError(`No receiver for ${cell.transport}.`)
  using socket = await connectTo(cell.transport, destination, context.settings, context.noDelay ?? defaultNoDelay(cell.level))
  const load = await openLoad(cell, socket.fd, context.payload)
  try {
    const row = measuredRow(cell, round, position, await measure(load, cell.interval, context.runtimeMs, context.meter))
    return { row, sentBytes: load.totals().bytes }
  } finally {
    await load.close()
  }
}
