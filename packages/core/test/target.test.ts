import dgram from 'node:dgram'
import { once } from 'node:events'
import { closeSync, openSync } from 'node:fs'
import net from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import tls from 'node:tls'
import { afterEach, describe, expect, it } from 'vitest'
import { openWriter, type WriterTarget } from '../src/entries/index.js'
import { memory } from '../src/testing/memory-backend.js'
import { tcpPair } from './tcp-pair.js'

const cleanups: (() => unknown)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

const codeOf = (target: unknown) =>
  openWriter(target as WriterTarget, { backend: memory() }).then(
    () => 'opened',
    (error: { code?: string }) => error.code,
  )

describe('what a writer can be opened on', () => {
  it('refuses what is no target at all', async () => {
    expect(await codeOf('7')).toBe('ERR_ZC_INVALID_ARGUMENT')
    expect(await codeOf(null)).toBe('ERR_ZC_INVALID_ARGUMENT')
    expect(await codeOf({})).toBe('ERR_ZC_INVALID_ARGUMENT')
    expect(await codeOf(-1)).toBe('ERR_ZC_BAD_DESCRIPTOR')
    expect(await codeOf(1.5)).toBe('ERR_ZC_BAD_DESCRIPTOR')
    expect(await codeOf({ fd: '3' })).toBe('ERR_ZC_BAD_DESCRIPTOR')
  })

  it('refuses sockets that are not connected, closed, ended, AF_UNIX or TLS, each with its code', async () => {
    const idle = new net.Socket()
    expect(await codeOf(idle)).toBe('ERR_ZC_NOT_CONNECTED')
    const { client } = await tcpPair(cleanups)
    client.end()
    expect(await codeOf(client)).toBe('ERR_ZC_CLOSED')
    client.destroy()
    expect(await codeOf(client)).toBe('ERR_ZC_CLOSED')

    const path = join(tmpdir(), `sendzc-target-${process.pid}.sock`)
    const unixServer = net.createServer().listen(path)
    await once(unixServer, 'listening')
    const unix = net.connect(path)
    await once(unix, 'connect')
    expect(await codeOf(unix)).toBe('ERR_ZC_UNSUPPORTED_SOCKET')
    unix.destroy()
    await new Promise((resolve) => unixServer.close(resolve))

    const { client: plain } = await tcpPair(cleanups)
    const secure = new tls.TLSSocket(plain)
    secure.on('error', () => undefined)
    expect(await codeOf(secure)).toBe('ERR_ZC_UNSUPPORTED_SOCKET')
    secure.destroy()
  })

  it('refuses both ends of a TLS connection, which go on working', async () => {
    const key = Buffer.alloc(16, 7)
    const shared = { ciphers: 'PSK', maxVersion: 'TLSv1.2' } as const
    const listener = tls.createServer({ ...shared, pskCallback: () => key, pskIdentityHint: 'here' }).listen(0, '127.0.0.1')
    await once(listener, 'listening')
    const client = tls.connect({
      ...shared,
      port: (listener.address() as net.AddressInfo).port,
      host: '127.0.0.1',
      pskCallback: () => ({ psk: key, identity: 'test' }),
      checkServerIdentity: () => undefined,
    })
    const [[server]] = (await Promise.all([once(listener, 'secureConnection'), once(client, 'secureConnect')])) as [
      [tls.TLSSocket],
      unknown,
    ]
    cleanups.push(() => {
      client.destroy()
      server.destroy()
      return new Promise((resolve) => listener.close(resolve))
    })
    expect(await codeOf(client)).toBe('ERR_ZC_UNSUPPORTED_SOCKET')
    expect(await codeOf(server)).toBe('ERR_ZC_UNSUPPORTED_SOCKET')
    client.write('still encrypted')
    const [chunk] = (await once(server, 'data')) as [Buffer]
    expect(chunk.toString()).toBe('still encrypted')
  })

  it('refuses a UDP socket that was never bound, and a closed one; takes a bound and a connected one', async () => {
    const bound = dgram.createSocket('udp4')
    bound.bind(0, '127.0.0.1')
    await once(bound, 'listening')
    const onBound = await openWriter(bound, { backend: memory({ kind: 'datagram' }) })
    await onBound.close()
    bound.close()
    const socket = dgram.createSocket('udp4')
    expect(await codeOf(socket)).toBe('ERR_ZC_NOT_CONNECTED')
    socket.connect(9, '127.0.0.1')
    await once(socket, 'connect')
    const writer = await openWriter(socket, { backend: memory({ kind: 'datagram' }) })
    await writer.close()
    socket.close()
    expect(['ERR_ZC_CLOSED', 'ERR_ZC_NOT_CONNECTED']).toContain(await codeOf(socket))
  })

  it('refuses a second writer on the same socket, and takes one after the first is closed', async () => {
    const { client } = await tcpPair(cleanups)
    const first = await openWriter(client, { backend: memory() })
    expect(await codeOf(client)).toBe('ERR_ZC_SOCKET_OWNED')
    await first.close()
    const second = await openWriter(client, { backend: memory() })
    await second.close()
  })

  it('names each option that is out of range', async () => {
    const fd = openSync('/dev/null', 'r')
    cleanups.push(() => closeSync(fd))
    await expect(openWriter(fd, { backend: memory(), maxInFlight: 0 })).rejects.toMatchObject({
      code: 'ERR_ZC_INVALID_OPTION',
      message: expect.stringContaining('maxInFlight'),
    })
    await expect(openWriter(fd, { backend: memory(), unknownOption: 1 } as never)).rejects.toMatchObject({
      code: 'ERR_ZC_INVALID_OPTION',
      message: expect.stringContaining('unknownOption'),
    })
  })

  it.each([undefined, null, {}, { backend: memory }])('asks for a backend where it is given %o', async (options) => {
    await expect(openWriter(0, options as never)).rejects.toMatchObject({
      code: 'ERR_ZC_INVALID_OPTION',
      message: expect.stringContaining('openWriter() needs a backend'),
    })
  })
})

describe('the sending half of a net.Socket while a writer is open', () => {
  it('is given back at close', async () => {
    const { client, server } = await tcpPair(cleanups)
    const writer = await openWriter(client, { backend: memory() })
    await writer.close()
    client.write('after')
    const [chunk] = (await once(server, 'data')) as [Buffer]
    expect(chunk.toString()).toBe('after')
    client.end()
    await once(server, 'end')
  })

  it('waits for what socket.write() was given before', async () => {
    const { client, server } = await tcpPair(cleanups)
    server.pause()
    const block = Buffer.alloc(16_000_000)
    client.write(block)
    expect(client.writableLength).toBeGreaterThan(0)
    let opened = false
    const opening = openWriter(client, { backend: memory() }).then((writer) => {
      opened = true
      return writer
    })
    client.write('x')
    expect(opened).toBe(false)
    let received = 0
    server.on('data', (chunk: Buffer) => {
      received += chunk.length
    })
    server.resume()
    const writer = await opening
    expect(client.writableLength).toBe(0)
    await writer.close()
    while (received < block.length + 1) await once(server, 'data')
    expect(received).toBe(block.length + 1)
  })

  it('gives up on bytes that never leave, with an error, and gives the socket back', async () => {
    const { client, server } = await tcpPair(cleanups)
    server.pause()
    client.write(Buffer.alloc(32_000_000))
    await expect(openWriter(client, { backend: memory(), drainTimeoutMs: 50 })).rejects.toMatchObject({ code: 'ERR_ZC_DRAIN_TIMEOUT' })
  })

  it.each([
    ['ended', 16_000_000, (socket: net.Socket) => socket.end()],
    ['destroyed', 16_000_000, (socket: net.Socket) => socket.destroy()],
  ])('refuses a socket that is %s while the writer is being opened', async (_what, ownBytes, finish) => {
    const { client, server } = await tcpPair(cleanups)
    server.resume()
    client.write(Buffer.alloc(ownBytes))
    const opening = openWriter(client, { backend: memory() })
    finish(client)
    await expect(opening).rejects.toMatchObject({ code: 'ERR_ZC_CLOSED' })
  })

  it('sends the FIN of socket.end() after the last write is sent', async () => {
    const { client, server } = await tcpPair(cleanups)
    let ended = false
    server.on('end', () => {
      ended = true
    })
    server.resume()
    const backend = memory()
    const writer = await openWriter(client, { backend })
    let isSent = false
    void writer.write(Buffer.alloc(50_000)).then(() => {
      isSent = true
    })
    client.end()
    await expect(writer.write(Buffer.alloc(1))).rejects.toMatchObject({ code: 'ERR_ZC_CLOSED', message: expect.stringContaining('ended') })
    await once(client, 'finish')
    expect(isSent).toBe(true)
    await once(server, 'end')
    expect(ended).toBe(true)
    await writer.close()
  })

  it('fails queued writes and lets go when the socket is destroyed', async () => {
    const { client } = await tcpPair(cleanups)
    const writer = await openWriter(client, { backend: memory({ sendBufferBytes: 1_000, bytesPerTurn: 1 }) })
    const write = writer.write(Buffer.alloc(100_000))
    client.destroy()
    await expect(write).rejects.toMatchObject({ code: 'ERR_ZC_CLOSED' })
    await expect(writer.write(Buffer.alloc(1))).rejects.toMatchObject({ code: 'ERR_ZC_CLOSED' })
  })
})
