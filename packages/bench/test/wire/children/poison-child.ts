// Runs in the namespace of a wire: sends a stream of the pattern, and writes over each buffer as soon as it is released.
//   poison-child.ts BACKEND honest|early BYTES
import { openWriter } from '@sendzc/core'
import { withFaultyReleases } from '@sendzc/core/fixtures'
import { fillPattern, POISON_BYTE } from '@sendzc/socket'
import type { BackendLabel } from '../../../src/cells/cell.js'
import { backendFor } from '../../../src/machine/backends.js'
import { connectToPeer } from './connect-to-peer.js'

const WRITE_BYTES = 65_536
const WRITES_IN_FLIGHT = 32

const [label, kind, bytes] = process.argv.slice(2) as [BackendLabel, 'honest' | 'early', string]
const honest = backendFor(label, 1)
const socket = await connectToPeer()
const backend = kind === 'early' ? withFaultyReleases(honest, { kind: 'early', oneIn: 1 }) : honest
const writer = await openWriter(socket.fd, { backend, minZerocopyBytes: 0 })
const outcomes: Record<string, number> = {}
const owed: Promise<void>[] = []
for (let offset = 0; offset < Number(bytes); offset += WRITE_BYTES) {
  const buffer = new Uint8Array(WRITE_BYTES)
  fillPattern(buffer, { seed: 0, offset })
  const { released } = await writer.write(buffer)
  owed.push(
    released.then((outcome) => {
      outcomes[outcome] = (outcomes[outcome] ?? 0) + 1
      buffer.fill(POISON_BYTE)
    }),
  )
  if (owed.length >= WRITES_IN_FLIGHT) await owed.shift()
}
await Promise.all(owed)
await writer.close()
socket.close()
process.stdout.write(`${JSON.stringify(outcomes)}\n`)
