// One buffer to 1,000 connections. The memory exists once; a peer that stalls harms nobody, and is given up after a while.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import net from 'node:net'
import { auto, broadcast, openWriter } from 'sendzc'

const CONNECTIONS = 1_000
const BYTES = 1_048_576
const GIVE_UP_MS = 10_000

// The peers live in this process, and compare what they get with a copy.
const buffer = Buffer.alloc(BYTES)
for (let at = 0; at < BYTES; at += 4) buffer.writeUInt32LE(Math.imul(at, 2_654_435_761) >>> 0, at)
const expected = Buffer.from(buffer)
let complete = 0
let allComplete
const completed = new Promise((resolve) => {
  allComplete = resolve
})
const sockets = []
const server = net.createServer((socket) => sockets.push(socket))
await once(server.listen({ port: 0, host: '127.0.0.1', backlog: 128 }), 'listening')

const STALLED = 0
const peers = []
for (let number = 0; number < CONNECTIONS; number++) {
  const peer = net.connect(server.address().port, '127.0.0.1')
  await once(peer, 'connect')
  peers.push(peer)
  peer.on('error', () => undefined)
  if (number === STALLED) continue
  let at = 0
  peer.on('data', (chunk) => {
    assert.ok(chunk.equals(expected.subarray(at, at + chunk.length)), `connection ${number}: wrong content at ${at}`)
    at += chunk.length
    if (at === BYTES && ++complete === CONNECTIONS - 1) allComplete()
  })
}
while (sockets.length < CONNECTIONS) await once(server, 'connection')

const writers = await Promise.all(
  sockets.map((socket) => {
    socket.on('error', () => undefined)
    socket.setNoDelay(true)
    return openWriter(socket, { backend: auto(), drainTimeoutMs: GIVE_UP_MS })
  }),
)
const pages = Array.from({ length: 8 }, () => buffer)
// Eight times the buffer is more than a connection holds while its peer does not read.
const stalled = broadcast([writers[STALLED]], pages)
const { settled, released } = broadcast(writers.slice(1), buffer)
const results = await settled
const lost = results.filter(({ status }) => status === 'rejected').length
await completed
const outcome = await released
console.log(`${results.length - lost} of ${results.length} peers have ${BYTES} bytes each, released: ${outcome}`)

await writers[STALLED].abort()
console.log(`the stalled peer: ${(await stalled.settled)[0].reason.code}, its memory: ${await stalled.released}`)
await Promise.all(writers.map((writer) => writer.close()))
for (const socket of [...sockets, ...peers]) socket.destroy()
server.close()
