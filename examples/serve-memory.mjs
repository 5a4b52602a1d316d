// A server that sends one large buffer to every client, without copying it where the path allows.
import { once } from 'node:events'
import net from 'node:net'
import { auto, openWriter } from 'sendzc'

const segment = Buffer.alloc(32 * 1024 * 1024, 'media')
const backend = auto()

const server = net.createServer(async (socket) => {
  const writer = await openWriter(socket, { backend })
  const { bytes, released } = await writer.write(segment)
  console.log(`sent ${bytes} bytes with ${writer.choice}`)
  console.log(`memory is free again: ${await released}`)
  await writer.close()
  const { sends, zerocopySends, copiedSends } = writer.stats()
  console.log(`${sends} sends, ${zerocopySends} zero-copy, ${copiedSends} copied`)
  socket.end()
})
await once(server.listen(0, '127.0.0.1'), 'listening')

// The other end, so that this file runs on its own.
const client = net.connect(server.address().port, '127.0.0.1')
let received = 0
client.on('data', (chunk) => {
  received += chunk.length
})
await once(client, 'end')
server.close()
if (received !== segment.length) throw new Error(`received ${received} of ${segment.length} bytes`)
console.log(`received ${received} bytes`)
