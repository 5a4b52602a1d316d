// One server of `bench http`, in a process of its own: node:http, with the transparent mode or without it.
//   http-server-main.ts PATH SIZE_BYTES HOST BODIES [pool]
// Sends its port to the parent; answers 'begin' when it has begun to count, and 'end' with what it counted.
import { once } from 'node:events'
import http from 'node:http'
import type { AddressInfo } from 'node:net'
import { zeroCopy, zeroCopyStats } from '@sendzc/core'
import { bufferPool } from '@sendzc/sendmsg'
import type { BackendLabel } from '../cells/cell.js'
import { backendFor } from '../machine/backends.js'
import type { HttpCounts } from './http-turn.js'

const [path = 'plain', sizeBytes = '0', host, count = '1', memory] = process.argv.slice(2)
const pool = memory === 'pool' ? bufferPool({ bytes: Number(sizeBytes), count: Number(count) }) : undefined
const bodies = Array.from({ length: Number(count) }, () => (pool?.tryAcquire() ?? Buffer.alloc(Number(sizeBytes))).fill(1))
let responses = 0
const server = http.createServer((_request, response) => {
  const body = bodies[responses++ % bodies.length] as Buffer
  response.sendDate = false
  response.writeHead(200, { 'Content-Length': body.length }).end(body)
})
if (path !== 'plain') zeroCopy(server, { backend: backendFor(path as BackendLabel, 1) })
await once(server.listen(0, host, 1_024), 'listening')

let begun = { responses, cpu: process.cpuUsage(), atMs: performance.now() }
process.on('message', (message) => {
  if (message === 'begin') {
    begun = { responses, cpu: process.cpuUsage(), atMs: performance.now() }
    process.send?.('begun')
    return
  }
  const { user, system } = process.cpuUsage(begun.cpu)
  const { zerocopy, copied } = zeroCopyStats().outcomes
  const counts: HttpCounts = {
    responses: responses - begun.responses,
    cpuUs: user + system,
    elapsedMs: performance.now() - begun.atMs,
    zerocopy,
    copied,
  }
  process.send?.(counts)
})
process.once('disconnect', () => process.exit(0))
process.send?.((server.address() as AddressInfo).port)
