import { ANCESTORS, type AncestorLabel, type BackendLabel, type Cell, type Transport } from '../cells/cell.js'
import type { Turn } from '../cells/turn.js'
import { connectTo, defaultNoDelay, destinationOf } from '../ends/connect.js'
import { makePayload } from '../ends/payload.js'
import { AncestorLoad } from '../loads/ancestor-load.js'
import type { Row } from '../record/record.js'
import { type MeasuredCell, measuredOnWire } from '../wire/wire-meter.js'
import { type CellContext, runCell } from './cell-runner.js'
import { measure } from './measure.js'
import { measuredRow } from './measured-row.js'

/** A cell of a path of ours, or of one of the older ones. */
export interface AncestorCell extends Cell {
  transport: Transport
  backend: BackendLabel | AncestorLabel
  level: 'driver'
}

/** Measures such a cell once, over a connection of its own. */
export function runAncestorCell(cell: AncestorCell, turn: Turn, context: CellContext): Promise<Row> {
  const { backend } = cell
  if (!isAncestor(backend)) return runCell({ ...cell, backend }, turn, context)
  return measuredOnWire(context.wire, () => runAncestor(cell, backend, turn, context))
}

async function runAncestor(cell: AncestorCell, path: AncestorLabel, turn: Turn, context: CellContext): Promise<MeasuredCell> {
  const { transport, level, interval, sizeBytes } = cell
  const destination = destinationOf(context, transport)
  using socket = await connectTo(transport, destination, context.settings, context.noDelay ?? defaultNoDelay(level))
  const load = new AncestorLoad({ path, fd: socket.fd, interval, payload: makePayload(sizeBytes) })
  try {
    const measured = measuredRow(cell, turn, await measure(load, interval, turn.runtimeMs, context.meter))
    // These paths report neither copies nor releases.
    const row = { ...measured, zerocopySends: null, copiedSends: null, notifications: null, notifiedIds: null, rangeWidthIds: null }
    return { row, sentBytes: load.totals().bytes }
  } finally {
    await load.close()
  }
}

function isAncestor(backend: AncestorCell['backend']): backend is AncestorLabel {
  return (ANCESTORS as readonly string[]).includes(backend)
}
