import { once } from 'node:events'
import http from 'node:http'
import http2 from 'node:http2'
import net from 'node:net'
import tls from 'node:tls'
import { zeroCopyStats } from '@sendzc/core'
import { keyPair } from '../key-pair.js'

const BODY = Buffer.alloc(300_000, 'body')
const warnings: string[] = []
process.on('warning', ({ code, message }: Error & { code?: string }) => code !== 'ZC_NOT_REGISTERED' && warnings.push(message))

async function listen(server: net.Server): Promise<number> {
  await once(server.listen(0, '127.0.0.1'), 'listening')
  return (server.address() as net.AddressInfo).port
}

async function count(stream: AsyncIterable<unknown>): Promise<number> {
  let bytes = 0
  for await (const chunk of stream) bytes += (chunk as Buffer).length
  return bytes
}

/** A request on a connection of its own. */
async function get(port: number): Promise<number> {
  const request = http.get({ port, host: '127.0.0.1', agent: false })
  const [response] = (await once(request, 'response')) as [http.IncomingMessage]
  return count(response)
}

/** Bytes that a server gets from the client that `connect` makes. */
async function fromClient(connect: (port: number) => net.Socket, bytes: number = BODY.length): Promise<number> {
  const server = net.createServer()
  const port = await listen(server)
  const connected = once(server, 'connection') as Promise<[net.Socket]>
  const client = connect(port)
  const closed = once(client, 'close')
  client.write(BODY.subarray(0, bytes), () => client.end())
  const [socket] = await connected
  const received = await count(socket)
  server.close()
  client.resume()
  await closed
  return received
}

const TASKS: Record<string, () => Promise<number>> = {
  async http() {
    const server = http.createServer((_request, response) => response.end(BODY))
    const bytes = await get(await listen(server))
    server.close()
    return bytes
  },
  async many() {
    const server = http.createServer((_request, response) => response.end(BODY))
    const port = await listen(server)
    let bytes = 0
    for (let request = 0; request < 20; request++) bytes += await get(port)
    server.close()
    return bytes
  },
  async client() {
    const server = net.createServer()
    const client = net.connect(await listen(server), '127.0.0.1')
    const connected = once(server, 'connection') as Promise<[net.Socket]>
    client.end(BODY)
    const [socket] = await connected
    const bytes = await count(socket)
    server.close()
    return bytes
  },
  async 'client that writes'() {
    return fromClient((port) => net.connect(port, '127.0.0.1'))
  },
  async 'socket that connects'() {
    return fromClient((port) => new net.Socket().connect(port, '127.0.0.1'))
  },
  async 'socket that connects again'() {
    const socket = new net.Socket()
    await fromClient((port) => socket.connect(port, '127.0.0.1'), 10)
    return fromClient((port) => socket.connect(port, '127.0.0.1'))
  },
  async tls() {
    const server = tls.createServer(keyPair(), (socket) => socket.end(BODY))
    const client = tls.connect({ port: await listen(server), host: '127.0.0.1', rejectUnauthorized: false })
    const bytes = await count(client)
    server.close()
    return bytes
  },
  async http2() {
    const server = http2.createServer((_request, response) => response.end(BODY))
    const session = http2.connect(`http://127.0.0.1:${await listen(server as unknown as net.Server)}`)
    const bytes = await count(session.request({ ':path': '/' }))
    session.close()
    server.close()
    return bytes
  },
}

const task = TASKS[process.argv[2] ?? '']
if (task === undefined) throw new Error(`no such task: ${process.argv[2]}`)
const received = await task()
const { sharedWrites, left } = zeroCopyStats()
console.log(JSON.stringify({ sharedWrites, received, left, warnings }))
