import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { release } from 'node:os'
import { content } from '@sendzc/core/fixtures'
import { afterEach, describe, expect, it } from 'vitest'
import {
  type Backend,
  copy,
  errqueue,
  openWriter,
  uring,
  type WriterOptions,
  type ZeroCopyError,
  type ZeroCopyWriter,
} from '../src/index.js'

const BACKENDS: readonly [string, () => Backend][] = [
  ['copy', copy],
  ['errqueue', errqueue],
  ['uring', uring],
]
const cleanups: (() => unknown)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

async function bound(): Promise<Socket> {
  const socket = createSocket('udp4')
  cleanups.push(() => socket.close())
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  return socket
}

async function writerTo(port: number, options: WriterOptions & { backend: Backend }): Promise<ZeroCopyWriter> {
  const socket = createSocket('udp4')
  socket.on('error', () => undefined)
  cleanups.push(() => socket.close())
  socket.connect(port, '127.0.0.1')
  await once(socket, 'connect')
  const writer = await openWriter(socket, options)
  cleanups.push(() => writer.close())
  return writer
}

describe.each(BACKENDS)('adjoining datagrams of one size, %s', (_name, backend) => {
  it('leave as one message for each 64, and as themselves with maxJoinedBytes 0', async () => {
    const receiver = await bound()
    const joined = await writerTo(receiver.address().port, { backend: backend() })
    await Promise.all(Array.from({ length: 100 }, () => joined.write(content(300))))
    expect(joined.stats()).toMatchObject({ writes: 100, sends: 2, bytesSent: 30_000 })
    const lone = await writerTo(receiver.address().port, { backend: backend(), maxJoinedBytes: 0 })
    await Promise.all(Array.from({ length: 100 }, () => lone.write(content(300))))
    expect(lone.stats()).toMatchObject({ writes: 100, sends: 100, bytesSent: 30_000 })
  })

  it('one write makes 128 datagrams where the kernel does, copied and shared; before Linux 6.9 it says that it does not', async () => {
    const receiver = await bound()
    receiver.setRecvBufferSize(4 << 20)
    let arrived = 0
    receiver.on('message', ({ length }) => {
      arrived += length === 500 ? 1 : 0
    })
    const [major = 0, minor = 0] = release().split('.').map(Number)
    const expected = major > 6 || (major === 6 && minor >= 9) ? 'sent' : 'ERR_ZC_TOO_MANY_SEGMENTS'
    for (const [round, minZerocopyBytes] of [0, 1_000_000].entries()) {
      const writer = await writerTo(receiver.address().port, { backend: backend(), minZerocopyBytes })
      const end = await writer.write(content(64_000), { segmentBytes: 500 }).then(
        () => 'sent',
        (error: ZeroCopyError) => error.code,
      )
      expect(end).toBe(expected)
      while (end === 'sent' && arrived < (round + 1) * 128) await once(receiver, 'message')
    }
  })

  it('a refusal of an earlier one fails the first of them alone, and the others arrive in order', async () => {
    const receiver = await bound()
    const { port } = receiver.address()
    const writer = await writerTo(port, { backend: backend() })
    const closed = once(receiver, 'close')
    cleanups.splice(0, 1)
    receiver.close()
    await closed
    // The kernel answers over loopback within the send: the next one hears of it.
    await writer.write(content(8))
    const again = createSocket('udp4')
    cleanups.push(() => again.close())
    const got: number[] = []
    again.on('message', (message) => got.push(message.readUInt8()))
    again.bind(port, '127.0.0.1')
    await once(again, 'listening')
    const writes = Array.from({ length: 80 }, (_, index) => writer.write(Buffer.alloc(200 + (index > 70 ? 1 : 0), index)))
    const ends = await Promise.allSettled(writes)
    const failed = ends.flatMap((end, index) => (end.status === 'rejected' ? [[index, (end.reason as ZeroCopyError).code]] : []))
    expect(failed).toEqual([[0, 'ERR_ZC_CONNECTION_REFUSED']])
    while (got.length < 79) await once(again, 'message')
    expect(got).toEqual(Array.from({ length: 79 }, (_, index) => index + 1))
  })
})
