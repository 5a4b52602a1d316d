// Runs in the namespace of a wire: sends the same writes again and again.
//   mixed-child.ts BACKEND PIECES WRITES     PIECES: sizes in bytes, joined by '+'
import { openWriter } from '@sendzc/core'
import type { BackendLabel } from '../../../src/cells/cell.js'
import { backendFor } from '../../../src/machine/backends.js'
import { connectToPeer } from './connect-to-peer.js'

const [label, sizes, writes] = process.argv.slice(2) as [BackendLabel, string, string]
// A packet holds 17 page fragments: how many a body takes depends on where in a page it begins. The C library maps so large an allocation by
// itself, and puts 16 bytes before the memory.
const PAGE_BYTES = 4_096
const mapped = Buffer.alloc(33 * 1_048_576)
let at = PAGE_BYTES - 16
const pieces = sizes.split('+').map((bytes) => {
  const piece = mapped.subarray(at, at + Number(bytes))
  at += Math.ceil(piece.length / PAGE_BYTES) * PAGE_BYTES
  return piece
})
const socket = await connectToPeer()
const writer = await openWriter(socket.fd, { backend: backendFor(label, 1) })
const outcomes: Record<string, number> = {}
for (let index = 0; index < Number(writes); index++) {
  // One at a time: the packets of one write do not depend on the next one.
  const { released } = await writer.write(pieces)
  const outcome = await released
  outcomes[outcome] = (outcomes[outcome] ?? 0) + 1
}
await writer.close()
socket.close()
process.stdout.write(`${JSON.stringify(outcomes)}\n`)
