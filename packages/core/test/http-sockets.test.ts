// Sockets that a session or an HTTP message of Node.js has in use: on which of them a writer may open, and how Node.js goes on beside it.
import { once } from 'node:events'
import http from 'node:http'
import http2 from 'node:http2'
import net from 'node:net'
import tls from 'node:tls'
import { afterEach, describe, expect, it } from 'vitest'
import { bounded } from '../conformance/bounded.js'
import { openWriter, type WriterTarget } from '../src/entries/index.js'
import { memory } from '../src/testing/memory-backend.js'

const cleanups: (() => unknown)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

const failureOf = (target: unknown): Promise<{ code?: string; remedy?: string }> =>
  openWriter(target as WriterTarget, { backend: memory() }).then(
    async (writer) => {
      await writer.close()
      return { code: 'opened' }
    },
    (error: { code: string; remedy: string }) => error,
  )

async function listen(server: net.Server): Promise<number> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  cleanups.push(() => server.close())
  return (server.address() as net.AddressInfo).port
}

describe('a socket below a session is refused, with a remedy', () => {
  it('HTTP/2, at both ends', async () => {
    const server = http2.createServer()
    const port = await listen(server as unknown as net.Server)
    const client = net.connect(port, '127.0.0.1')
    const session = http2.connect('http://127.0.0.1', { createConnection: () => client })
    const [[raw]] = (await Promise.all([once(server, 'connection'), once(session, 'connect')])) as [[net.Socket], unknown]
    cleanups.push(() => session.destroy())
    for (const socket of [raw, client]) {
      expect(await failureOf(socket)).toMatchObject({ code: 'ERR_ZC_UNSUPPORTED_SOCKET', remedy: expect.stringContaining('HTTP') })
    }
  })

  it('TLS, at both ends', async () => {
    const listener = net.createServer()
    const port = await listen(listener)
    const client = net.connect(port, '127.0.0.1')
    const [[raw]] = (await Promise.all([once(listener, 'connection'), once(client, 'connect')])) as [[net.Socket], unknown]
    for (const [socket, isServer] of [
      [raw, true],
      [client, false],
    ] as const) {
      expect(await failureOf(socket)).toEqual({ code: 'opened' })
      const secure = new tls.TLSSocket(socket, { isServer })
      secure.on('error', () => undefined)
      cleanups.push(() => secure.destroy())
      expect(await failureOf(socket)).toMatchObject({ code: 'ERR_ZC_UNSUPPORTED_SOCKET', remedy: expect.any(String) })
    }
  })
})

describe('the socket of a node:http response', () => {
  /** Resolves with the result of `handle` for the one request of a connection. */
  async function serveOnce<T>(handle: (response: http.ServerResponse, request: http.IncomingMessage) => Promise<T>): Promise<T> {
    let answered: (value: Promise<T>) => void
    const answer = new Promise<T>((resolve) => {
      answered = resolve
    })
    const server = http.createServer((request, response) => answered(handle(response, request)))
    const port = await listen(server)
    const request = http.get({ port, host: '127.0.0.1', agent: false }, (response) => response.resume())
    request.on('error', () => undefined)
    cleanups.push(() => request.destroy())
    return bounded(answer, 'the request')
  }

  it.each([
    ['whose head is not sent', () => undefined, 'ERR_ZC_UNSUPPORTED_SOCKET'],
    [
      'whose head is not flushed',
      (response: http.ServerResponse) => response.writeHead(200, { 'Content-Length': 5 }),
      'ERR_ZC_UNSUPPORTED_SOCKET',
    ],
    ['which is chunked', (response: http.ServerResponse) => response.writeHead(200).flushHeaders(), 'ERR_ZC_UNSUPPORTED_SOCKET'],
    [
      'whose head with its length is sent',
      (response: http.ServerResponse) => response.writeHead(200, { 'Content-Length': 5 }).flushHeaders(),
      'opened',
    ],
  ])('%s', async (_which, prepare, code) => {
    const failure = await serveOnce(async (response) => {
      prepare(response)
      return failureOf(response.socket)
    })
    expect(failure.code).toBe(code)
    if (code !== 'opened') expect(failure.remedy).toMatch(/head/i)
  })

  it('which is finished has no socket, and the error says so', async () => {
    const failure = await serveOnce(async (response) => {
      response.end()
      await once(response, 'close')
      return failureOf(response.socket)
    })
    expect(failure).toMatchObject({ code: 'ERR_ZC_INVALID_ARGUMENT', remedy: expect.stringContaining('req.socket') })
  })
})

describe('what Node.js itself writes while a writer is open', () => {
  it.each([
    ['an answer to garbage', 'garbage\r\n\r\n', '400 Bad Request'],
    ['an answer to an over-long header', `GET / HTTP/1.1\r\nX: ${'a'.repeat(40_000)}\r\n\r\n`, '431 Request Header Fields Too Large'],
    ['100 Continue', 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nExpect: 100-continue\r\n\r\n', '100 Continue'],
  ])('%s reaches the client, and nothing is thrown', async (_what, bytes, status) => {
    const server = http.createServer((_request, response) => response.end())
    const opened = new Promise<void>((resolve) => {
      server.on('connection', (socket: net.Socket) => void openWriter(socket, { backend: memory() }).then(() => resolve()))
    })
    const client = net.connect(await listen(server), '127.0.0.1')
    cleanups.push(() => client.destroy())
    await opened
    client.write(bytes)
    const [answer] = (await bounded(once(client, 'data'), 'the answer')) as [Buffer]
    expect(answer.toString()).toContain(status)
  })
})
