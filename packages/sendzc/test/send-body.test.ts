import { once } from 'node:events'
import http from 'node:http'
import https from 'node:https'
import type { AddressInfo } from 'node:net'
import { expect, it } from 'vitest'
import { type SentBody, sendBody, zeroCopyStats } from '../src/index.js'
import { keyPair } from './key-pair.js'

const BODY = Buffer.alloc(1_000_000, 'body')

async function receive(request: http.ClientRequest): Promise<Buffer> {
  const [response] = (await once(request, 'response')) as [http.IncomingMessage]
  const chunks: Buffer[] = []
  for await (const chunk of response) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks)
}

it('sendBody() shares with the backends that are installed, and keeps one descriptor for all responses of a connection', async () => {
  const bodies: SentBody[] = []
  const server = http.createServer((_request, response) => bodies.push(sendBody(response, BODY)))
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const { port } = server.address() as AddressInfo
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 })
  const before = zeroCopyStats()
  for (let count = 0; count < 3; count++) expect((await receive(http.get({ port, host: '127.0.0.1', agent }))).equals(BODY)).toBe(true)
  for (const { sent, released } of bodies)
    expect([await sent, await released]).toEqual([BODY.length, expect.not.stringContaining('abandoned')])
  const now = zeroCopyStats()
  expect([now.sharedWrites - before.sharedWrites, now.opened - before.opened]).toEqual([3, 1])
  agent.destroy()
  server.close()
})

it('sendBody() sends over TLS by Node.js', async () => {
  let body: SentBody | undefined
  const server = https.createServer(keyPair(), (_request, response) => {
    body = sendBody(response, [BODY.subarray(0, 10), BODY.subarray(10)], {
      status: 206,
      headers: { 'Content-Range': 'bytes 0-999999/9999999' },
    })
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const { port } = server.address() as AddressInfo
  const before = zeroCopyStats().sharedWrites
  const received = await receive(https.get({ port, host: '127.0.0.1', agent: false, rejectUnauthorized: false }))
  expect(received.equals(BODY)).toBe(true)
  expect([await body?.sent, await body?.released, zeroCopyStats().sharedWrites - before]).toEqual([BODY.length, 'copied', 0])
  server.close()
})
