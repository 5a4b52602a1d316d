import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { destination, openWriter } from '@sendzc/core'
import { unknownCosts } from '../c-programs/selftest-run.js'
import { type BackendLabel, type Cell, familyOf, type Transport } from '../cells/cell.js'
import type { Turn } from '../cells/turn.js'
import { type Destination, destinationOf } from '../ends/connect.js'
import { DatagramLoad } from '../loads/datagram-load.js'
import { NodeLoad } from '../loads/node-load.js'
import { backendFor } from '../machine/backends.js'
import type { Row } from '../record/record.js'
import { type MeasuredCell, measuredOnWire } from '../wire/wire-meter.js'
import type { CellContext } from './cell-runner.js'
import { measure } from './measure.js'
import { measuredRow } from './measured-row.js'

/** Datagrams that are written together. */
export const DATAGRAM_BURST = 400
/** Datagrams of a write with segments. */
export const DATAGRAM_SEGMENTS = 50
/** Receivers of the cells with many. */
export const MANY_RECEIVERS = 100

/** How the datagrams of a cell are sent; the `variant` of its rows. */
export const DATAGRAM_WAYS = {
  connected: { connected: true },
  addressed: {},
  'addressed, each alone': { maxJoinedBytes: 0 },
  'addressed to 100, each alone': { receivers: MANY_RECEIVERS, maxJoinedBytes: 0 },
  segments: { segments: DATAGRAM_SEGMENTS },
  'segments, connected': { segments: DATAGRAM_SEGMENTS, connected: true },
  'segments to 100': { segments: DATAGRAM_SEGMENTS, receivers: MANY_RECEIVERS },
  'segments, shared': { segments: DATAGRAM_SEGMENTS, shared: true },
  'segments to 100, shared': { segments: DATAGRAM_SEGMENTS, receivers: MANY_RECEIVERS, shared: true },
} as const satisfies Record<string, Way>

/** One of {@link DATAGRAM_WAYS}. */
export type DatagramWay = keyof typeof DATAGRAM_WAYS

interface Way {
  connected?: boolean
  receivers?: number
  segments?: number
  maxJoinedBytes?: number
  shared?: boolean
}

/** A cell whose sends are datagrams. */
export interface DatagramCell extends Cell {
  variant: DatagramWay
}

/** Cells of each transport: those of `dgram.send`, those that `copy` sends, and those in which another path shares the memory. */
export function datagramCells(transports: readonly Transport[], backends: readonly BackendLabel[], sizeBytes: number): DatagramCell[] {
  const ways = Object.entries(DATAGRAM_WAYS) as [DatagramWay, Way][]
  return transports.flatMap((transport) => {
    const common = { transport, interval: DATAGRAM_BURST, sizeBytes }
    const peers = (['connected', 'addressed'] as const).map(
      (variant): DatagramCell => ({ ...common, backend: 'dgram.send', level: 'peer', variant }),
    )
    const ours = backends.flatMap((backend) =>
      ways
        .filter(([, { shared = false }]) => shared === (backend !== 'copy'))
        .map(([variant]): DatagramCell => ({ ...common, backend, level: 'writer', variant })),
    )
    return [...peers, ...ours]
  })
}

/** Measures such a cell once, over a `dgram.Socket` of its own. */
export function runDatagramCell(cell: DatagramCell, turn: Turn, context: CellContext): Promise<Row> {
  return measuredOnWire(context.wire, async () => {
    const to = destinationOf(context, cell.transport)
    const way: Way = DATAGRAM_WAYS[cell.variant]
    const socket = await openDatagramSocket(cell.transport, way.connected === true ? to : undefined)
    try {
      return cell.level === 'peer' ? await runNode(cell, turn, socket, to) : await runWriter(cell, turn, socket, to)
    } finally {
      socket.close()
    }
  })
}

async function openDatagramSocket(transport: Transport, peer: Destination | undefined): Promise<Socket> {
  const socket = createSocket(familyOf(transport) === 6 ? 'udp6' : 'udp4')
  if (peer === undefined) socket.bind(0)
  else socket.connect(peer.port, peer.host)
  await once(socket, peer === undefined ? 'listening' : 'connect')
  return socket
}

async function runNode(cell: DatagramCell, turn: Turn, socket: Socket, to: Destination): Promise<MeasuredCell> {
  const load = new NodeLoad({ kind: 'dgram', socket }, cell.interval, cell.sizeBytes, cell.variant === 'connected' ? undefined : to)
  const { cpuUserUs, cpuSystemUs, ...row } = measuredRow(cell, turn, await measure(load, cell.interval, turn.runtimeMs))
  await load.close()
  return { row: { ...row, ...unknownCosts(), cpuUserUs, cpuSystemUs }, sentBytes: load.totals().bytes }
}

async function runWriter(cell: DatagramCell, turn: Turn, socket: Socket, { host, port }: Destination): Promise<MeasuredCell> {
  const { connected = false, receivers = 1, segments = 1, maxJoinedBytes, shared = false }: Way = DATAGRAM_WAYS[cell.variant]
  const segmented = segments > 1 ? { segmentBytes: cell.sizeBytes } : {}
  const options = Array.from({ length: receivers }, (_, index) =>
    connected ? segmented : { to: destination({ address: host, port: port + index }), ...segmented },
  )
  const writer = await openWriter(socket, {
    backend: backendFor(cell.backend as BackendLabel, cell.interval),
    minZerocopyBytes: shared ? 0 : Number.MAX_SAFE_INTEGER,
    maxJoinedBytes,
  })
  const load = new DatagramLoad({ writer, receivers: options, sizeBytes: cell.sizeBytes, segments, burst: cell.interval })
  try {
    const row = measuredRow(cell, turn, await measure(load, cell.interval, turn.runtimeMs))
    return { row, sentBytes: load.totals().bytes }
  } finally {
    await load.close()
  }
}
