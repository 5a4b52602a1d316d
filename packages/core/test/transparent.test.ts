import { once } from 'node:events'
import http2 from 'node:http2'
import net from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import tls from 'node:tls'
import { afterEach, describe, expect, it } from 'vitest'
import type { DriverOpenOptions } from '../src/driver/driver.js'
import { openWriter, zeroCopy, zeroCopyStats } from '../src/entries/index.js'
import { memory } from '../src/testing/memory-backend.js'
import { Ways } from '../src/writer/way.js'
import { tcpPair } from './tcp-pair.js'

const cleanups: (() => unknown)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

/** The code that it is refused with; fails where anything was changed by then. */
function codeOf(target: unknown, options: object = { backend: memory() }): string | undefined {
  const shapeOf = () => [
    Object.getPrototypeOf(Object(target)) as object,
    ...Object.entries(Object.getOwnPropertyDescriptors(Object(target))),
  ]
  const before = shapeOf()
  try {
    zeroCopy(target as net.Socket, options as never)
    return 'done'
  } catch (error) {
    expect(shapeOf()[0]).toBe(before[0])
    expect(shapeOf().length).toBe(before.length)
    return (error as { code?: string }).code
  }
}

describe('what zeroCopy() refuses, before it changes anything', () => {
  it('what is no socket and no server', () => {
    for (const target of [null, undefined, 7, {}, 'socket']) expect(codeOf(target)).toBe('ERR_ZC_INVALID_ARGUMENT')
  })

  it('options that it does not know, or that are out of range', async () => {
    const { client } = await tcpPair(cleanups)
    const backend = memory()
    const wrong = [null, {}, { backend: memory }, { minSharedBytes: 0 }, { verify: 1 }, { maxPinnedBytes: -1 }, { other: 1 }]
    for (const [index, options] of wrong.entries()) {
      expect(codeOf(client, (index < 3 ? options : { backend, ...options }) as object), JSON.stringify(options)).toBe(
        'ERR_ZC_INVALID_OPTION',
      )
    }
    expect(codeOf(client)).toBe('done')
  })

  it('sockets that are not connected, ended, closed, AF_UNIX or TLS, or that a writer has', async () => {
    expect(codeOf(new net.Socket())).toBe('ERR_ZC_NOT_CONNECTED')
    const { client, server, listener } = await tcpPair(cleanups)
    const connecting = net.connect((listener.address() as net.AddressInfo).port, '127.0.0.1')
    cleanups.push(() => connecting.destroy())
    expect(codeOf(connecting)).toBe('ERR_ZC_NOT_CONNECTED')

    // A descriptor that is real, beneath a kernel that is not.
    const backend = memory()
    const writer = await openWriter(server, {
      backend: { ...backend, open: (open: DriverOpenOptions) => backend.open({ ...open, fd: backend.openSocket().fd }) } as never,
    })
    expect(codeOf(server)).toBe('ERR_ZC_SOCKET_OWNED')
    await writer.close()
    expect(codeOf(server)).toBe('done')

    client.end()
    expect(codeOf(client)).toBe('ERR_ZC_CLOSED')
    client.destroy()
    expect(codeOf(client)).toBe('ERR_ZC_CLOSED')

    const path = join(tmpdir(), `sendzc-transparent-${process.pid}.sock`)
    const unixServer = net.createServer().listen(path)
    await once(unixServer, 'listening')
    const unix = net.connect(path)
    await once(unix, 'connect')
    cleanups.push(() => {
      unix.destroy()
      unixServer.close()
    })
    expect(codeOf(unix)).toBe('ERR_ZC_UNSUPPORTED_SOCKET')
    expect(codeOf(unixServer)).toBe('ERR_ZC_UNSUPPORTED_SOCKET')

    const below = await tcpPair(cleanups)
    const secure = new tls.TLSSocket(below.client, { isServer: true })
    secure.on('error', () => undefined)
    cleanups.push(() => secure.destroy())
    expect(codeOf(secure)).toBe('ERR_ZC_UNSUPPORTED_SOCKET')
    expect(codeOf(below.client)).toBe('ERR_ZC_UNSUPPORTED_SOCKET')
  })

  it('servers of TLS and HTTP/2, and one that is closing', async () => {
    expect(codeOf(tls.createServer())).toBe('ERR_ZC_UNSUPPORTED_SOCKET')
    expect(codeOf(http2.createServer())).toBe('ERR_ZC_UNSUPPORTED_SOCKET')
    const { listener } = await tcpPair(cleanups)
    listener.close()
    expect(codeOf(listener)).toBe('ERR_ZC_CLOSED')
  })
})

describe('a socket that shares nothing yet', () => {
  it('has no visible property more than before, and keeps its prototype', async () => {
    const { client } = await tcpPair(cleanups)
    const keys = Object.keys(client)
    const prototype = Object.getPrototypeOf(client) as object
    const methods = Object.getOwnPropertyNames(net.Socket.prototype).map((name) =>
      Object.getOwnPropertyDescriptor(net.Socket.prototype, name),
    )
    zeroCopy(client, { backend: memory() })
    client.write('small')
    expect(Object.keys(client)).toEqual(keys)
    expect(Object.getPrototypeOf(client)).toBe(prototype)
    expect(
      Object.getOwnPropertyNames(net.Socket.prototype).map((name) => Object.getOwnPropertyDescriptor(net.Socket.prototype, name)),
    ).toEqual(methods)
    expect(client).toBeInstanceOf(net.Socket)
    expect(client.constructor).toBe(net.Socket)
  })
})

describe('a backend that works on no socket', () => {
  it('leaves each socket as it was, tries once, and says so', async () => {
    let tries = 0
    const backend = {
      ...memory(),
      name: 'none',
      open: () => {
        tries++
        throw Object.assign(new Error('no such thing here'), { name: 'ZeroCopyError', code: 'ERR_ZC_BACKEND_UNAVAILABLE' })
      },
    }
    const before = zeroCopyStats()
    const server = zeroCopy(
      net.createServer((socket) => socket.end(Buffer.alloc(100_000))),
      { backend: backend as never },
    )
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    cleanups.push(() => server.close())
    for (let connection = 0; connection < 2; connection++) {
      const client = net.connect((server.address() as net.AddressInfo).port, '127.0.0.1')
      let bytes = 0
      for await (const chunk of client) bytes += (chunk as Buffer).length
      expect(bytes).toBe(100_000)
    }
    const now = zeroCopyStats()
    expect([tries, now.ownPath.left - before.ownPath.left]).toEqual([1, 2])
    expect(now.left.ERR_ZC_BACKEND_UNAVAILABLE).toBe((before.left.ERR_ZC_BACKEND_UNAVAILABLE ?? 0) + 1)
  })
})

describe('what is learned of a way', () => {
  it('is shared by its addresses, for a while, and by so many ways', () => {
    const ways = new Ways(2, 1_000)
    const first = ways.find('a', 'b')
    expect(ways.find('a', 'b')).toBe(first)
    expect(ways.find('a', 'c')).not.toBe(first)
    expect(ways.find('a', 'b')).toBe(first)
    ways.find('a', 'd')
    expect(ways.find('a', 'b')).not.toBe(first)
    const old = new Ways(2, 0)
    expect(old.find('a', 'b')).not.toBe(old.find('a', 'b'))
  })
})
