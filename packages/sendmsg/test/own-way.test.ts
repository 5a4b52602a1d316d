// The driver for platforms without an addon, held to the contract here, where it sends by Node's own sockets as well.
import { createSocket, type Socket as DgramSocket } from 'node:dgram'
import { once } from 'node:events'
import type { Socket } from 'node:net'
import { auto, type Backend, openWriter } from '@sendzc/core'
import { type ConnectedPair, conformance, tcpPairs, udpPairs } from '@sendzc/core/conformance'
import { assertBytes, assertContent, content, netSocketSuite, ownWayOfDgram, ownWayOfNet } from '@sendzc/core/fixtures'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { copy, errqueue } from '../src/index.js'
import { OwnWayDriver } from '../src/own-way-driver.js'

/** Targets by their descriptor, for the promises that open a driver without a writer. */
const targets = new Map<number, unknown>()

function kept(openPair: () => Promise<ConnectedPair>): () => Promise<ConnectedPair> {
  return async () => {
    const pair = await openPair()
    targets.set(pair.fd, pair.target)
    return pair
  }
}

function ownWay(kind: 'stream' | 'datagram'): Backend {
  return {
    name: 'copy',
    probe: () => ({ backend: 'copy', available: true, reason: "The runtime's own socket, which copies.", checks: [] }),
    open(options) {
      const target = targets.get(options.fd)
      const way = () => (kind === 'stream' ? ownWayOfNet(target as Socket) : ownWayOfDgram(target as DgramSocket))
      return new OwnWayDriver((options.ownWay ?? way)(), options)
    },
  }
}

const transports = {
  tcp4: { kind: 'stream', openPair: kept(tcpPairs('127.0.0.1')) },
  tcp6: { kind: 'stream', openPair: kept(tcpPairs('::1')) },
  udp4: { kind: 'datagram', openPair: kept(udpPairs('127.0.0.1')) },
} as const

for (const [transport, { kind, openPair }] of Object.entries(transports)) {
  conformance({
    describe,
    it,
    name: `own way ${transport}`,
    kind,
    openPair,
    // A slow pair is a descriptor, which this driver does not take; its messages are copies anyhow.
    openSlowPair: kept(udpPairs('127.0.0.1')),
    backend: () => ownWay(kind),
    expectOutcomes: ['copied'],
    skip: kind === 'stream' ? { files: 'the own way of a socket has no sendfile(2)' } : {},
  })
}

it('a file is refused on a way without sendfile(2), with the other way in the remedy', async () => {
  const pair = await transports.tcp4.openPair()
  const writer = await openWriter(pair.target as Socket, { backend: ownWay('stream') })
  await expect(writer.writeFile(0)).rejects.toMatchObject({
    code: 'ERR_ZC_BACKEND_UNAVAILABLE',
    remedy: expect.stringContaining('toWritable'),
  })
  await writer.close()
  await pair.dispose()
})

/**
 * The handle closes with its socket: there is no second descriptor by which what was answered could still leave. So a socket that is destroyed with
 * bytes unsent is reset, and the kernel drops what it has; the guarantee that no part looks like the whole goes before.
 */
const LOST_WITH_THE_HANDLE = /^let go by .*destroy\(.*, many writes answered, one begun, others queued/u

const deliverable = Object.assign((name: string, run: () => Promise<void>) => {
  if (LOST_WITH_THE_HANDLE.test(name)) it.skip(`${name} (skipped: the handle closes with its socket, and the connection is reset)`)
  else it(name, run)
}, it)

// What an unfit platform makes of the import and of each backend, seen on this one.
describe('on a platform without addons', () => {
  const platform = Object.getOwnPropertyDescriptor(process, 'platform') as PropertyDescriptor
  beforeAll(() => Object.defineProperty(process, 'platform', { ...platform, value: 'darwin' }))
  afterAll(() => Object.defineProperty(process, 'platform', platform))

  it('copies over a socket object, and says so', async () => {
    expect(copy().probe()).toMatchObject({ available: true, reason: "The runtime's own socket, which copies." })
    for (const openPair of [tcpPairs('127.0.0.1'), udpPairs('127.0.0.1')]) {
      const { target, peer, dispose } = await openPair()
      const writer = await openWriter(target as Socket, { backend: auto([errqueue(), copy()]) })
      expect(writer.choice).toMatch(/^copy: the first of errqueue, copy that works here; not errqueue: The addon of @sendzc\/sendmsg uses/u)
      const data = content(20_000)
      const { released } = await writer.write(data)
      expect(await released).toBe('copied')
      assertBytes(writer.kind === 'stream' ? await peer.read(data.length) : await peer.readDatagram(), data, 'what arrived')
      await writer.close()
      await dispose()
    }
  })

  it('takes a socket that shows no descriptor, and no second writer on it', async () => {
    const { target, fd, peer, dispose } = await tcpPairs('127.0.0.1')()
    const handle = (target as unknown as { _handle: object })._handle
    Object.defineProperty(handle, 'fd', { value: -1, configurable: true })
    const writer = await openWriter(target as Socket, { backend: copy() })
    await expect(openWriter(target as Socket, { backend: copy() })).rejects.toMatchObject({ code: 'ERR_ZC_SOCKET_OWNED' })
    await writer.write(content(1_000))
    assertContent(await peer.read(1_000), 0, 'what arrived')
    await writer.close()
    await (await openWriter(target as Socket, { backend: copy() })).close()
    Object.defineProperty(handle, 'fd', { value: fd, configurable: true })
    await dispose()
  })

  it('refuses a descriptor, and other backends, with the platform', async () => {
    const { fd, dispose } = await tcpPairs('127.0.0.1')()
    await expect(openWriter(fd, { backend: copy() })).rejects.toMatchObject({ code: 'ERR_ZC_PLATFORM' })
    await expect(openWriter(fd, { backend: errqueue() })).rejects.toMatchObject({
      code: 'ERR_ZC_PLATFORM',
      remedy: /Linux 4\.14|copy\(\)/u,
    })
    await dispose()
  })
})

netSocketSuite({ describe, it: deliverable, backends: { 'own way': () => ownWay('stream') } })

it('a datagram of a socket without a peer is refused with its cause, and so is one with a receiver of its own', async () => {
  const socket = createSocket('udp4')
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  const writer = await openWriter(socket, { backend: ownWay('datagram') })
  await expect(writer.write(content(8))).rejects.toMatchObject({ code: 'ERR_ZC_NOT_CONNECTED', errno: 'EDESTADDRREQ' })
  const to = { address: '127.0.0.1', port: socket.address().port }
  await expect(writer.write(content(8), { to })).rejects.toMatchObject({ code: 'ERR_ZC_UNSUPPORTED_SOCKET' })
  await writer.close()
  socket.close()
})
