// The program that scripts/run-valgrind.mjs runs inside valgrind: an addon in Node.js, from the first message to a connection dropped with memory in flight.
//   node --expose-gc scripts/valgrind-child.mjs BACKEND
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import { openWriter } from '../packages/core/dist/src/entries/index.js'
import { copy, errqueue } from '../packages/sendmsg/dist/index.js'
import { uring } from '../packages/uring/dist/index.js'

const ROUNDS = 25
/** Writes that are in flight together. */
const WRITES_PER_ROUND = 4
/** Above the least that a writer sends zero-copy. */
const BYTES = 20_000
/** More than a connection's buffers hold, so that a write waits for the peer to read. */
const STALLED_BYTES = 16_000_000
/** Rounds between two collections of garbage, each of which runs the addon's finalizers. */
const ROUNDS_PER_COLLECTION = 10

const backend = { copy, errqueue, uring }[process.argv[2]]()
const server = createServer().listen(0, '127.0.0.1')
await once(server, 'listening')

async function openPair() {
  const socket = connect(server.address().port, '127.0.0.1')
  const [[peer]] = await Promise.all([once(server, 'connection'), once(socket, 'connect')])
  peer.on('error', () => undefined)
  return { socket, peer, writer: await openWriter(socket, { backend }) }
}

const { socket, peer, writer } = await openPair()
let received = 0
peer.on('data', (chunk) => {
  received += chunk.length
})
for (let round = 0; round < ROUNDS; round++) {
  const writes = Array.from({ length: WRITES_PER_ROUND }, (_, at) => writer.write(new Uint8Array(BYTES).fill(at)))
  for (const write of writes) await (await write).released
  if (round % ROUNDS_PER_COLLECTION === 0) globalThis.gc()
}
await writer.close()
socket.end()
await once(peer, 'end')
assert.equal(received, ROUNDS * WRITES_PER_ROUND * BYTES)
peer.destroy()

const stalled = await openPair()
const write = stalled.writer.write(new Uint8Array(STALLED_BYTES))
globalThis.gc()
await Promise.all([assert.rejects(write), stalled.writer.abort()])
stalled.socket.destroy()
stalled.peer.destroy()
server.close()
