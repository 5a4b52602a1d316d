// The process that answers the requests of `bench rpc`. It obeys its parent, and ends with it.
import { createServer } from 'node:net'
import { pinProcess } from '@sendzc/socket'
import { messageOf } from '../cli/failure.js'
import { ANSWER_BYTES, RequestCounter } from './rpc-frame.js'
import { type ResponderMessage, responderOptionsSchema } from './rpc-responder.js'

const ANSWER = Buffer.alloc(ANSWER_BYTES, 0x62)

/** Clients at a time; the laboratory uses one. */
const MAX_CLIENTS = 64

function tell(message: ResponderMessage): void {
  // Without a parent nobody reads the message: 'disconnect' ends this process.
  if (process.connected) process.send?.(message, () => {})
}

const server = createServer({ noDelay: true }, (socket) => {
  const requests = new RequestCounter()
  socket.on('data', (piece) => {
    try {
      for (let left = requests.push(piece); left > 0; left--) socket.write(ANSWER)
    } catch (error) {
      socket.destroy(error instanceof Error ? error : undefined)
    }
  })
  // A client that goes away takes its requests with it.
  socket.on('error', () => socket.destroy())
})
server.maxConnections = MAX_CLIENTS

process.once('disconnect', () => process.exit())
// A terminal sends Ctrl-C to all its processes, and timeout(1) SIGTERM: the parent finishes its measurement, and needs answers until then.
process.on('SIGINT', () => undefined).on('SIGTERM', () => undefined)
try {
  const { host, port, cpu } = responderOptionsSchema.parse(JSON.parse(process.argv[2] ?? ''))
  if (cpu !== null) pinProcess(cpu)
  server.on('error', (error) => tell({ error: messageOf(error) }))
  server.listen({ host, port }, () => {
    const address = server.address()
    tell(typeof address === 'object' && address !== null ? { host: address.address, port: address.port } : { error: 'no address' })
  })
} catch (error) {
  tell({ error: messageOf(error) })
}
