// Ships a log that grows: from the file into a chunk of a pool, from the chunk to the socket, and the chunk comes back. Nothing is allocated for a chunk, and a peer
// that is slow slows the reading down. What is shipped ends where the log ends now; the next round begins there.
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { appendFile, mkdtemp, open, rm } from 'node:fs/promises'
import net from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { auto, bufferPool, openWriter } from 'sendzc'

const CHUNK_BYTES = 262_144
const CHUNKS = 16
const ROUNDS = 8
const LINES_PER_ROUND = 60_000

/** Sends what the log has from `position` on. @returns where it ended */
async function ship(log, position, pool, writer) {
  let at = position
  for await (const chunk of pool.read(log, { start: at })) {
    at += chunk.length
    await pool.write(writer, chunk)
  }
  return at
}

// The collector, so that this file runs on its own.
const received = createHash('sha256')
let receivedBytes = 0
const collector = net.createServer((peer) => {
  peer.on('data', (data) => {
    received.update(data)
    receivedBytes += data.length
  })
})
await once(collector.listen(0, '127.0.0.1'), 'listening')
const socket = net.connect(collector.address().port, '127.0.0.1')
await once(socket, 'connect')

const folder = await mkdtemp(join(tmpdir(), 'log-shipper-'))
const path = join(folder, 'log')
await appendFile(path, '')
const log = await open(path)
const writer = await openWriter(socket, { backend: auto() })
const pool = bufferPool({ bytes: CHUNK_BYTES, count: CHUNKS })
const logged = createHash('sha256')
let position = 0
for (let round = 0; round < ROUNDS; round++) {
  const lines = Array.from({ length: LINES_PER_ROUND }, (_, line) => `2026-12-01T00:00:00Z round=${round} line=${line} level=info\n`).join(
    '',
  )
  logged.update(lines)
  await appendFile(path, lines)
  position = await ship(log, position, pool, writer)
}
await writer.close()
console.log(`shipped ${position} bytes through ${pool.count} chunks in ${pool.pages} pages; ${pool.available} of them are back`)

const closed = once(socket, 'close')
socket.end()
await closed
collector.close()
await once(collector, 'close')
console.log(`received ${receivedBytes} bytes, ${received.digest('hex') === logged.digest('hex') ? 'the same' : 'OTHERS'}`)
await log.close()
await rm(folder, { recursive: true })
