// Writes large chunks through the transparent mode to a peer that does not read, and then reads. Prints what became of them.
import { once } from 'node:events'
import net from 'node:net'
import { zeroCopy, zeroCopyStats } from '@sendzc/core'
import { errqueue } from '../../src/index.js'

const CHUNK_BYTES = 262_144
const CHUNKS = 40

const warnings: (string | undefined)[] = []
process.on('warning', ({ code }: Error & { code?: string }) => warnings.push(code))
const listener = net.createServer({ pauseOnConnect: true }).listen(0, '127.0.0.1')
await once(listener, 'listening')
const socket = net.connect((listener.address() as net.AddressInfo).port, '127.0.0.1')
const [[peer]] = (await Promise.all([once(listener, 'connection'), once(socket, 'connect')])) as [[net.Socket], unknown]
zeroCopy(socket, { backend: errqueue(), demoteAfterCopied: 0 })
let mostPinnedBytes = 0
for (let chunk = 0; chunk < CHUNKS; chunk++) {
  socket.write(Buffer.alloc(CHUNK_BYTES))
  mostPinnedBytes = Math.max(mostPinnedBytes, zeroCopyStats().pinnedBytes)
}
socket.write(Buffer.alloc(4 * 1_048_576))
socket.end()
let received = 0
for await (const chunk of peer.resume()) received += (chunk as Buffer).length
const { ownPath, sharedWrites, memlockBytes, process: whole } = zeroCopyStats()
console.log(JSON.stringify({ received, mostPinnedBytes, pinned: ownPath.pinned, sharedWrites, memlockBytes, whole, warnings }))
listener.close()
