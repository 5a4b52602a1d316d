// One write is one datagram. A buffer is used again only when its `released` has settled.
import dgram from 'node:dgram'
import { once } from 'node:events'
import { errqueue, openWriter } from 'sendzc'

const datagrams = 200
const receiver = dgram.createSocket({ type: 'udp4', recvBufferSize: 4 * 1024 * 1024 })
receiver.bind(0, '127.0.0.1')
await once(receiver, 'listening')
let received = 0
receiver.on('message', (message) => {
  received += message.length > 0 ? 1 : 0
})

const socket = dgram.createSocket('udp4')
socket.connect(receiver.address().port, '127.0.0.1')
await once(socket, 'connect')
const writer = await openWriter(socket, { backend: errqueue() })

const buffer = Buffer.alloc(32_000)
const outcomes = new Map()
for (let index = 0; index < datagrams; index++) {
  buffer.fill(index)
  const { released } = await writer.write(buffer)
  const outcome = await released
  outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1)
}
await writer.close()
console.log(`${datagrams} datagrams sent: ${[...outcomes].map(([outcome, count]) => `${count} ${outcome}`).join(', ')}`)
// UDP may lose datagrams, even on one machine: this is the number that arrived.
console.log(`received ${received}`)
socket.close()
receiver.close()
