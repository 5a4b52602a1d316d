// A WebSocket server that sends one large message to many clients: every connection shares the same memory. It is plain `ws`; one word makes the kernel
// send from that memory. The message is never changed, since the sockets call back at their own pace: a new message is a new buffer.
import { once } from 'node:events'
import http from 'node:http'
import { zeroCopy, zeroCopyStats } from 'sendzc'
import { WebSocket, WebSocketServer } from 'ws'

const CLIENTS = 20
const MESSAGES = 3
const MESSAGE_BYTES = 1_000_000
/** Bytes that a client may have waiting before it misses messages: a client that reads nothing must not fill the memory. */
const MAX_WAITING_BYTES = 8 * 1024 * 1024

const server = zeroCopy(http.createServer())
const sockets = new WebSocketServer({ server, perMessageDeflate: false })

function broadcast(message) {
  let missed = 0
  for (const client of sockets.clients) {
    if (client.bufferedAmount > MAX_WAITING_BYTES) missed++
    else client.send(message)
  }
  return missed
}

await once(server.listen(0, '127.0.0.1'), 'listening')

// The other ends, so that this file runs on its own.
const clients = Array.from({ length: CLIENTS }, () => new WebSocket(`ws://127.0.0.1:${server.address().port}`))
await Promise.all(clients.map((client) => once(client, 'open')))
let received = 0
const complete = Promise.all(
  clients.map(async (client) => {
    for (let count = 0; count < MESSAGES; count++) {
      const [message] = await once(client, 'message')
      if (message.length !== MESSAGE_BYTES || message.some((byte) => byte !== count + 1)) throw new Error(`message ${count} is wrong`)
      received++
      client.emit('ready')
    }
  }),
)
for (let count = 0; count < MESSAGES; count++) {
  const ready = Promise.all(clients.map((client) => once(client, 'ready')))
  if (broadcast(Buffer.alloc(MESSAGE_BYTES, count + 1)) > 0) throw new Error('a client missed a message')
  await ready
}
await complete
for (const client of clients) client.close()
await Promise.all(clients.map((client) => once(client, 'close')))
sockets.close()
server.close()
const { sharedWrites, outcomes, ownPath } = zeroCopyStats()
console.log(`${received} messages of ${MESSAGE_BYTES} bytes arrived at ${CLIENTS} clients`)
console.log(
  `${sharedWrites} writes were shared with the kernel: ${outcomes.zerocopy} zero-copy, ${outcomes.copied} copied; ${ownPath.copies} by Node's own path`,
)
