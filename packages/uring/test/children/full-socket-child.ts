// Writes copies to an inherited socket until it is full, watches the event loop while the peer does not read, then reads, and prints its counts.
import { Socket } from 'node:net'
import { openWriter } from '@sendzc/core'
import { bounded, content, turnsWhileWatched } from '@sendzc/core/fixtures'
import { uring } from '../../src/index.js'

export interface FullSocketReport {
  /** Bytes that were waiting for room while the event loop was watched. */
  queuedBytes: number
  /** Turns of the event loop meanwhile. */
  turns: number
  /** Where the content first differs; -1: nowhere. */
  mismatch: number
}

const { fd, peer } = JSON.parse(process.argv[2] as string) as { fd: number; peer: number }
/** More than both ends hold. */
const bytes = 16_000_000
const writer = await openWriter({ fd }, { backend: uring(), minZerocopyBytes: Number.MAX_SAFE_INTEGER })
const sent = content(bytes)
const write = writer.write(sent)
// The first look sees the socket being filled.
await turnsWhileWatched()
const turns = await turnsWhileWatched()
const { queuedBytes } = writer.stats()

const received = Buffer.alloc(bytes)
let at = 0
const receiver = new Socket({ fd: peer })
const arrived = new Promise<void>((resolve) => {
  receiver.on('data', (chunk: Buffer) => {
    at += chunk.copy(received, at)
    if (at === bytes) resolve()
  })
})
await bounded(arrived, 'arrival')
await (await write).released
await writer.close()
receiver.destroy()
const report: FullSocketReport = {
  queuedBytes,
  turns,
  mismatch: received.findIndex((byte, index) => byte !== sent[index]),
}
process.stdout.write(JSON.stringify(report))
