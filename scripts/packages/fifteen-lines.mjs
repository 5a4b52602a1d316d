// Makes a program of README's example.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from './stage.mjs'

/** Stands before the example: a connected socket, a buffer, and a peer that counts. */
const BEFORE = `import { once as onceBefore } from 'node:events'
import netBefore from 'node:net'

let receivedBytes = 0
const peerServer = netBefore.createServer((peer) =>
  peer.on('data', (chunk) => {
    receivedBytes += chunk.length
  }),
)
await onceBefore(peerServer.listen(0, '127.0.0.1'), 'listening')
const socket = netBefore.connect(peerServer.address().port, '127.0.0.1')
await onceBefore(socket, 'connect')
const buffer = Buffer.alloc(1_000_000, 'sendzc')
const reuse = (memory) => memory.fill(0)
`

/** Stands behind the example: checks that every byte arrived. */
const AFTER = `socket.end()
await onceBefore(socket, 'close')
peerServer.close()
if (bytes !== buffer.length || receivedBytes !== bytes) throw new Error('received ' + receivedBytes)
console.log('received ' + receivedBytes + ' bytes')
`

/** @throws Error where README has no example */
export function fifteenLines() {
  const block = readFileSync(join(root, 'README.md'), 'utf8').match(/## Example\n\n```js\n([\s\S]+?)```/)?.[1]
  if (block === undefined) throw new Error('README has no fifteen lines')
  return BEFORE + block + AFTER
}
