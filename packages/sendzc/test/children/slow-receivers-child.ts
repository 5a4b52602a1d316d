// Two writers send to four receivers each, over a slow device and from sockets with a small send buffer, and the program prints what arrived.
import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { type Backend, copy, destination, errqueue, openWriter, uring } from '../../src/index.js'

/** What arrived of the datagrams of one backend. */
export interface SlowEnd {
  backend: string
  sent: number
  arrived: number
  /** Datagrams of another receiver, of another size, or behind a later one of their writer. */
  wrong: number
  pinnedBytes: number
}

const DATAGRAM_BYTES = 1_000
const SEGMENTS = 10
const ROUNDS = 30
const WAIT_MS = 20_000

async function bound(options: { recvBufferSize?: number; sendBufferSize?: number }): Promise<Socket> {
  const socket = createSocket({ type: 'udp4', ...options })
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  return socket
}

/** Datagrams for a receiver, from `first` on. */
function datagrams(count: number, receiver: number, writer: number, first: number): Buffer {
  const memory = Buffer.alloc(count * DATAGRAM_BYTES)
  for (let at = 0; at < count; at++) {
    memory.writeUInt8(receiver, at * DATAGRAM_BYTES)
    memory.writeUInt8(writer, at * DATAGRAM_BYTES + 1)
    memory.writeUInt32LE(first + at, at * DATAGRAM_BYTES + 2)
  }
  return memory
}

async function run(backend: () => Backend, minZerocopyBytes: number): Promise<SlowEnd> {
  const receivers = await Promise.all([0, 1, 2, 3].map(() => bound({ recvBufferSize: 4 << 20 })))
  const sockets = await Promise.all([0, 1].map(() => bound({ sendBufferSize: 20_000 })))
  let [arrived, wrong] = [0, 0]
  let allArrived = (): void => undefined
  const expected = ROUNDS * receivers.length * sockets.length * (SEGMENTS + 3)
  for (const [index, receiver] of receivers.entries()) {
    const next = [0, 0]
    receiver.on('message', (message) => {
      const [to, from, sequence] = [message.readUInt8(0), message.readUInt8(1), message.readUInt32LE(2)]
      if (to !== index || sequence !== next[from] || message.length !== DATAGRAM_BYTES) wrong++
      next[from] = sequence + 1
      if (++arrived === expected) allArrived()
    })
  }
  const done = new Promise<void>((resolve) => {
    allArrived = resolve
    setTimeout(resolve, WAIT_MS).unref()
  })
  const writers = await Promise.all(sockets.map((socket) => openWriter(socket, { backend: backend(), minZerocopyBytes })))
  const handles = receivers.map((receiver) => destination({ address: '127.0.0.1', port: receiver.address().port }))
  const writes: Promise<unknown>[] = []
  for (let round = 0; round < ROUNDS; round++) {
    for (const [from, writer] of writers.entries()) {
      for (const [index, to] of handles.entries()) {
        const first = round * (SEGMENTS + 3)
        writes.push(writer.write(datagrams(SEGMENTS, index, from, first), { to, segmentBytes: DATAGRAM_BYTES }))
        for (let lone = 0; lone < 3; lone++) writes.push(writer.write(datagrams(1, index, from, first + SEGMENTS + lone), { to }))
      }
    }
  }
  await Promise.all(writes)
  await done
  await Promise.all(writers.map((writer) => writer.close()))
  const pinnedBytes = writers.reduce((sum, writer) => sum + writer.stats().driver.pinnedBytes, 0)
  for (const socket of [...receivers, ...sockets]) socket.close()
  return { backend: writers[0]?.backend ?? '', sent: expected, arrived, wrong, pinnedBytes }
}

const ends: SlowEnd[] = []
for (const backend of [copy, errqueue, uring]) {
  for (const minZerocopyBytes of [0, 1_000_000]) ends.push(await run(() => backend(), minZerocopyBytes))
}
process.stdout.write(JSON.stringify(ends))
