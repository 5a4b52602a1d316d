import { openWriter } from '@sendzc/core'
import { runSelftest, unknownCosts } from '../c-programs/selftest-run.js'
import type { Selftests } from '../c-programs/selftests.js'
import { C_PEERS, type Cell, type OwnCell } from '../cells/cell.js'
import type { Turn } from '../cells/turn.js'
import { destinationOf } from '../ends/connect.js'
import { makePayload } from '../ends/payload.js'
import { closeNode, connectNode, NodeLoad } from '../loads/node-load.js'
import { WriterLoad } from '../loads/writer-load.js'
import { backendFor } from '../machine/backends.js'
import type { Processors } from '../machine/processors.js'
import type { Row } from '../record/record.js'
import { type MeasuredCell, measuredOnWire } from '../wire/wire-meter.js'
import { type CellContext, runCell, thresholdFor } from './cell-runner.js'
import { measure } from './measure.js'
import { measuredRow } from './measured-row.js'

/** What the cells of `bench peers` share. */
export interface PeerContext extends CellContext {
  /** Undefined where no cell is one of theirs. */
  selftests: Selftests | undefined
  processors: Processors
}

/** Whether a cell's sender is one of the kernel's C programs. */
export function isSelftest(backend: Cell['backend']): boolean {
  return (C_PEERS as readonly Cell['backend'][]).includes(backend)
}

/** Measures a cell of ours or of a peer once, over a connection of its own. */
export function runPeerCell(cell: Cell, turn: Turn, context: PeerContext): Promise<Row> {
  if (isSelftest(cell.backend)) {
    const { selftests, processors, settings } = context
    if (selftests === undefined) throw new TypeError(`${cell.backend} was not built.`)
    const destination = destinationOf(context, cell.transport)
    return measuredOnWire(context.wire, async () => ({
      row: await runSelftest(cell, turn, { selftests, destination, cpu: processors.sender, settings }),
      sentBytes: null,
    }))
  }
  // Beside Node's sockets the writer is opened on one of Node's, so that both send through the same.
  if (cell.level === 'peer' || cell.backend === 'copy' || cell.backend === 'auto')
    return measuredOnWire(context.wire, () => runOnNodeSocket(cell, turn, context))
  const { backend, sizeBytes } = cell
  const { ioUring, msgZerocopy } = context.selftests?.payloadOffsetBytes ?? {}
  // In its page it begins where that of the C program does: the kernel pins and copies memory page by page.
  const offsetBytes = backend === 'uring' ? ioUring : msgZerocopy
  return runCell(cell as OwnCell, turn, { ...context, payload: makePayload(sizeBytes, offsetBytes) })
}

async function runOnNodeSocket(cell: Cell, turn: Turn, context: PeerContext): Promise<MeasuredCell> {
  const { runtimeMs } = turn
  const target = await connectNode(cell.transport, destinationOf(context, cell.transport), context.settings)
  try {
    if (cell.level === 'peer') {
      const load = new NodeLoad(target, cell.interval, cell.sizeBytes)
      const { cpuUserUs, cpuSystemUs, ...row } = measuredRow(cell, turn, await measure(load, cell.interval, runtimeMs))
      await load.close()
      return { row: { ...row, ...unknownCosts(), cpuUserUs, cpuSystemUs }, sentBytes: load.totals().bytes }
    }
    const { backend, interval } = cell as OwnCell
    const writer = await openWriter(target.socket, { backend: backendFor(backend, interval), ...thresholdFor(backend) })
    const load = new WriterLoad({ writer, interval: cell.interval, sizeBytes: cell.sizeBytes, payload: makePayload(cell.sizeBytes) })
    try {
      const row = measuredRow(cell, turn, await measure(load, cell.interval, runtimeMs))
      return { row, sentBytes: load.totals().bytes }
    } finally {
      await load.close()
    }
  } finally {
    closeNode(target)
  }
}
