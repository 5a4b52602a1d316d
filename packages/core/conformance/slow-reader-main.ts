// Runs in a process of its own: accepts one connection, reads nothing of it until told to, then a piece every few milliseconds.
// Says its port at first, and how often it has read when the connection ends. Spoken to by event-loop.ts.
import { type AddressInfo, createServer } from 'node:net'

const READ_EVERY_MS = 2

let reads = 0
const server = createServer({ pauseOnConnect: true, highWaterMark: 262_144 }, (socket) => {
  server.close()
  process.once('message', () => {
    socket.on('data', () => {
      reads++
      socket.pause()
      setTimeout(() => socket.resume(), READ_EVERY_MS)
    })
    socket.resume()
  })
  socket.on('error', () => undefined)
  socket.on('close', () => process.send?.(reads))
})
server.listen(0, '127.0.0.1', () => process.send?.((server.address() as AddressInfo).port))
process.on('disconnect', () => process.exit())
