import { mkdtemp, open, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { openWriter } from '@sendzc/core'
import type { Cell } from '../cells/cell.js'
import type { Turn } from '../cells/turn.js'
import { destinationOf } from '../ends/connect.js'
import { makePayload } from '../ends/payload.js'
import { AncestorLoad } from '../loads/ancestor-load.js'
import { FileStreamLoad, WriteFileLoad } from '../loads/file-load.js'
import type { Load } from '../loads/load.js'
import { closeNode, connectNode } from '../loads/node-load.js'
import { backendFor } from '../machine/backends.js'
import type { Row } from '../record/record.js'
import { type MeasuredCell, measuredOnWire } from '../wire/wire-meter.js'
import { type CellContext, runCell } from './cell-runner.js'
import { measure } from './measure.js'
import { measuredRow } from './measured-row.js'

/** Ways to send a file. `sendfile` is the loop in C, and each name of a backend is `writeFile()` over it. */
export type FileCell = Cell & { variant?: 'writeFile' | 'createReadStream' | undefined }

/** Measures a way to send a file once, over a connection of its own and with a file of its own in `folder`. */
export function runFileCell(cell: FileCell, turn: Turn, context: CellContext, folder: string): Promise<Row> {
  // Memory by write() and a copy, which stands beside the files as in every other table.
  if (cell.backend === 'copy' && cell.variant === undefined) return runCell({ ...cell, backend: 'copy', level: 'writer' }, turn, context)
  return measuredOnWire(context.wire, () => runOnSocket(cell, turn, context, folder))
}

async function runOnSocket(cell: FileCell, turn: Turn, context: CellContext, parent: string): Promise<MeasuredCell> {
  const { transport, interval, sizeBytes } = cell
  const folder = await mkdtemp(join(parent, 'sendzc-bench-'))
  const path = join(folder, 'file')
  await writeFile(path, makePayload(sizeBytes))
  const file = await open(path)
  const target = await connectNode(transport, destinationOf(context, transport), context.settings)
  try {
    if (target.kind !== 'net') throw new TypeError('A file is sent over a stream.')
    const { socket } = target
    socket.setNoDelay(true)
    let load: Load
    if (cell.backend === 'sendfile') {
      const fd = (socket as unknown as { _handle: { fd: number } })._handle.fd
      load = new AncestorLoad({ path: 'sendfile', fd, interval, payload: makePayload(sizeBytes) })
    } else if (cell.variant === 'writeFile') {
      load = new WriteFileLoad(await openWriter(socket, { backend: backendFor(cell.backend as 'copy', interval) }), file, interval)
    } else load = new FileStreamLoad(socket, file, sizeBytes)
    const measured = measuredRow(cell, turn, await measure(load, interval, turn.runtimeMs, context.meter))
    const { bytes: sentBytes } = load.totals()
    await load.close()
    return { row: measured, sentBytes }
  } finally {
    closeNode(target)
    await file.close()
    await rm(folder, { recursive: true })
  }
}
