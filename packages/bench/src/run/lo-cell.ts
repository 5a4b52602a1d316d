import { ZeroCopyError } from '@sendzc/core'
import type { OpenSocket, Receiver, ReceiverReport } from '@sendzc/socket'
import { type AnyCell, type AnyTransport, type BackendLabel, isStream } from '../cells/cell.js'
import type { Turn } from '../cells/turn.js'
import { BenchFailure, messageOf } from '../cli/failure.js'
import { type Destination, destinationOf } from '../ends/connect.js'
import { loMessage, MIN_LO_MESSAGE_BYTES, openLoSocket } from '../ends/lo-sockets.js'
import type { SocketSettings } from '../ends/socket-settings.js'
import { DriverLoad } from '../loads/driver-load.js'
import { backendFor } from '../machine/backends.js'
import type { Row } from '../record/record.js'
import { type MeasuredCell, measuredOnWire, type WireMeter } from '../wire/wire-meter.js'
import { isProcess } from './lo-ends.js'
import { measure } from './measure.js'
import { measuredRow } from './measured-row.js'

/** Looks at a receiver without progress, before missing bytes count as lost. */
const IDLE_LOOKS = 20

/** A cell over any transport, at the driver level. */
export interface LoCell extends AnyCell {
  backend: BackendLabel
  level: 'driver'
}

/** Settings that the cells share. */
export interface LoContext {
  destinations: ReadonlyMap<AnyTransport, Receiver | Destination>
  settings: SocketSettings
  /** Sees the bytes leave, on a wire. */
  wire: WireMeter | undefined
}

/** Why this kernel does not send on this transport in this way; undefined where it does. */
export async function refusal(transport: AnyTransport, backend: BackendLabel, context: LoContext): Promise<string | undefined> {
  using socket = await openLoSocket(transport, destinationOf(context, transport), context.settings)
  try {
    const load = openLoLoad(socket, { backend, interval: 1, sizeBytes: MIN_LO_MESSAGE_BYTES })
    try {
      await load.run(1)
      await load.drain()
    } finally {
      await load.close()
    }
    return undefined
  } catch (error) {
    if (ZeroCopyError.is(error) && error.code === 'ERR_ZC_UNSUPPORTED_SOCKET') return messageOf(error)
    // io_uring takes the request and refuses it when it is executed.
    if (error instanceof BenchFailure && error.message.includes('EOPNOTSUPP'))
      return 'the protocol of this socket has no zero-copy (EOPNOTSUPP)'
    throw error
  }
}

function openLoLoad(socket: OpenSocket, { backend, interval, sizeBytes }: Pick<LoCell, 'backend' | 'interval' | 'sizeBytes'>): DriverLoad {
  return new DriverLoad({ backend: backendFor(backend, interval), fd: socket.fd, interval, payload: loMessage(socket, sizeBytes) })
}

/** Measures such a cell once, and reads the receiver's counters where this machine has the receiver. */
export function runLo(cell: LoCell, turn: Turn, context: LoContext): Promise<Row> {
  return measuredOnWire(context.wire, () => runConnection(cell, turn, context))
}

async function runConnection(cell: LoCell, turn: Turn, context: LoContext): Promise<MeasuredCell> {
  const receiver = destinationOf(context, cell.transport)
  const before = isProcess(receiver) ? await receiver.report() : undefined
  using socket = await openLoSocket(cell.transport, receiver, context.settings)
  const load = openLoLoad(socket, cell)
  try {
    const row = measuredRow(cell, turn, await measure(load, cell.interval, turn.runtimeMs))
    const { sends, bytes } = load.totals()
    if (!isProcess(receiver) || before === undefined) return { row, sentBytes: bytes }
    const after = isStream(cell.transport)
      ? await receiver.waitFor({ bytes: before.bytes + bytes })
      : await settled(receiver, before.datagrams + before.droppedDatagrams + sends)
    return { row: { ...row, received: difference(after, before, cell) }, sentBytes: bytes }
  } finally {
    await load.close()
  }
}

/** The receiver's report once every sent byte is received or known to be dropped, or nothing more comes. */
async function settled(receiver: Receiver, expected: number): Promise<ReceiverReport> {
  let last = await receiver.report()
  for (let idle = 0; idle < IDLE_LOOKS && last.datagrams + last.droppedDatagrams < expected; ) {
    const next = await receiver.report()
    idle = next.datagrams === last.datagrams ? idle + 1 : 0
    last = next
  }
  return last
}

function difference(after: ReceiverReport, before: ReceiverReport, { transport, sizeBytes }: LoCell): NonNullable<Row['received']> {
  const bytes = after.bytes - before.bytes
  const sends = isStream(transport) ? Math.floor(bytes / sizeBytes) : after.datagrams - before.datagrams
  return { sends, bytes, dropped: after.droppedDatagrams - before.droppedDatagrams }
}
