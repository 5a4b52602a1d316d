// An express app that knows nothing of sendzc. Started with
//   node --import sendzc/register express-app.mjs
// it sends its large responses without a copy. The one line about sendzc is here to show it: the channel says of each socket that it shares memory.
import { subscribe } from 'node:diagnostics_channel'
import { once } from 'node:events'
import express from 'express'

const BODY = Buffer.alloc(1_000_000, 'body')
let sharing = 0
subscribe('sendzc:open', () => sharing++)

const app = express()
app.get('/report', (_request, response) => response.type('application/octet-stream').send(BODY))
app.get('/small', (_request, response) => response.json({ small: true }))
const server = app.listen(0, '127.0.0.1')
await once(server, 'listening')

// The other end, so that this file runs on its own.
const address = `http://127.0.0.1:${server.address().port}`
for (let count = 0; count < 3; count++) {
  const report = Buffer.from(await (await fetch(`${address}/report`)).arrayBuffer())
  if (!report.equals(BODY)) throw new Error('another report arrived')
}
const small = await (await fetch(`${address}/small`)).json()
if (!small.small) throw new Error('another answer arrived')
server.close()
server.closeAllConnections()
console.log(`served 3 reports and 1 small answer; sockets that shared memory: ${sharing}`)
