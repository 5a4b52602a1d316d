// Servers that know nothing of the library, started with `node --import sendzc/register`. Says its ports, and at the end what was shared.

import { once } from 'node:events'
import http from 'node:http'
import { createRequire } from 'node:module'
import { join } from 'node:path'

const [folder, core] = process.argv.slice(2)
const require = createRequire(join(folder, 'package.json'))
const { zeroCopyStats } = await import(core)

const BODY_BYTES = 1_000_000
const body = Buffer.alloc(BODY_BYTES)
for (let at = 0; at < BODY_BYTES; at++) body[at] = (at * 31 + (at >> 8)) & 0xff

const ports = {}
async function listen(name, server) {
  await once(server.listen(0, '127.0.0.1'), 'listening')
  ports[name] = server.address().port
}

await listen(
  'http',
  http.createServer((_request, response) => response.end(body)),
)

const express = require('express')()
express.get('/', (_request, response) => response.type('application/octet-stream').send(body))
await listen('express', http.createServer(express))

const fastify = require('fastify')()
fastify.get('/', (_request, reply) => reply.type('application/octet-stream').send(body))
await fastify.listen({ port: 0, host: '127.0.0.1' })
ports.fastify = fastify.server.address().port

const echo = http.createServer((request, response) => {
  const chunks = []
  request.on('data', (chunk) => chunks.push(chunk)).on('end', () => response.end(Buffer.concat(chunks)))
})
await listen('echo', echo)

const { WebSocketServer } = require('ws')
const sockets = http.createServer()
new WebSocketServer({ server: sockets }).on('connection', (socket) => {
  socket.on('message', () => {
    socket.send('before')
    socket.send(body, { binary: true })
    socket.send('behind')
  })
})
await listen('ws', sockets)

process.send(ports)
process.on('message', () => process.send(zeroCopyStats(), () => process.exit(0)))
