// A writer as the end of a pipeline: backpressure is the socket's, and `final` waits until the kernel is done with every chunk.
import { once } from 'node:events'
import net from 'node:net'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { errqueue, openWriter, toWritable } from 'sendzc'

const chunks = 64
const chunkBytes = 256 * 1024
let received = 0
const server = net.createServer((socket) =>
  socket.on('data', (chunk) => {
    received += chunk.length
  }),
)
await once(server.listen(0, '127.0.0.1'), 'listening')
const socket = net.connect(server.address().port, '127.0.0.1')
await once(socket, 'connect')

const writer = await openWriter(socket, { backend: errqueue() })
// Each chunk has memory of its own: a source that reuses one buffer would change bytes that are still to be sent.
const source = Readable.from(
  (function* () {
    for (let index = 0; index < chunks; index++) yield Buffer.alloc(chunkBytes, index)
  })(),
)
await pipeline(source, toWritable(writer))
await writer.close()
console.log(`${writer.stats().writes} writes in ${writer.stats().sends} sends`)

socket.end()
await once(socket, 'close')
server.close()
if (received !== chunks * chunkBytes) throw new Error(`received ${received} bytes`)
console.log(`received ${received} bytes`)
