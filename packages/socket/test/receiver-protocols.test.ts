import { afterEach, describe, expect, test } from 'vitest'
import {
  fillDatagram,
  fillPattern,
  type OpenSocket,
  openSocket,
  POISON_BYTE,
  type Receiver,
  type ReceiverOptions,
  socketFacts,
  startReceiver,
} from '../src/index.js'
import { peerCases } from './peers.js'
import { sendAll, sendMessage } from './sending.js'

const MESSAGE_BYTES = 4_000
const MESSAGES = 20
const SEED = 77

const opened: { receiver?: Receiver; socket?: OpenSocket } = {}
afterEach(async () => {
  opened.socket?.close()
  await opened.receiver?.[Symbol.asyncDispose]()
})

async function open(index: number, options: Partial<ReceiverOptions>): Promise<{ receiver: Receiver; socket: OpenSocket }> {
  const peer = peerCases[index]
  if (peer === undefined) throw new Error('no such case')
  const receiver = await startReceiver({ ...peer.receiver, ...options } as ReceiverOptions)
  opened.receiver = receiver
  const socket = await openSocket(peer.sender(receiver))
  opened.socket = socket
  return { receiver, socket }
}

function contentOf(stream: boolean, unit: number): Uint8Array {
  const data = new Uint8Array(MESSAGE_BYTES)
  if (stream) fillPattern(data, { seed: SEED, offset: unit * MESSAGE_BYTES })
  else fillDatagram(data, { seed: SEED, sequence: unit })
  return data
}

async function sendUnits(socket: OpenSocket, stream: boolean, spoil?: (data: Uint8Array, unit: number) => void): Promise<void> {
  for (let unit = 0; unit < MESSAGES; unit++) {
    const data = contentOf(stream, unit)
    spoil?.(data, unit)
    await sendMessage(socket, data)
  }
}

describe.each(peerCases.map(({ name, stream }, index) => ({ name, stream, index })))('$name', ({ name, stream, index }) => {
  const total = MESSAGES * MESSAGE_BYTES
  const target = stream ? { bytes: total } : { datagrams: MESSAGES }

  test('discards and counts exactly', async () => {
    const { receiver, socket } = await open(index, { mode: 'discard' })
    expect(socket.kind).toBe(stream ? 'stream' : 'datagram')
    // PACKET cannot connect: it has a destination instead.
    expect(socketFacts(socket.fd).connected).toBe(!name.startsWith('packet'))
    expect(socket.destination.byteLength).toBe(name.startsWith('packet') ? 20 : 0)
    await sendUnits(socket, stream)
    await receiver.waitFor(target)
    const report = await receiver.stop()
    expect(report).toMatchObject({ bytes: total, datagrams: stream ? 0 : MESSAGES, verifyErrors: 0, droppedDatagrams: 0 })
    expect(report).toMatchObject({ drained: true, error: null, connectionsAccepted: stream ? 1 : 0 })
  })

  test('verifies what is right, and finds one wrong byte', async () => {
    const { receiver, socket } = await open(index, { mode: 'verify', seed: SEED })
    await sendUnits(socket, stream)
    expect(await receiver.waitFor(target)).toMatchObject({ bytes: total, verifyErrors: 0, firstMismatch: null, outOfOrder: 0 })
    const wrong = contentOf(stream, MESSAGES)
    wrong[1_234] = (wrong[1_234] ?? 0) ^ 0x10
    await sendMessage(socket, wrong)
    const found = await receiver.waitFor(stream ? { bytes: total + MESSAGE_BYTES } : { datagrams: MESSAGES + 1 })
    expect(found).toMatchObject({
      verifyErrors: 1,
      firstMismatch: {
        unit: stream ? 0 : MESSAGES,
        offset: stream ? total + 1_234 : 1_234,
        got: wrong[1_234],
        expected: (wrong[1_234] ?? 0) ^ 0x10,
        looksPoisoned: false,
      },
    })
  })
})

test.each([
  [0, true],
  [1, false],
])('recognizes poison (case %i)', async (index, stream) => {
  const { receiver, socket } = await open(index, { mode: 'verify', seed: SEED })
  await sendUnits(socket, stream, (data, unit) => {
    if (unit === 3) data.fill(POISON_BYTE, 100)
  })
  const { firstMismatch, verifyErrors } = await receiver.waitFor(stream ? { bytes: MESSAGES * MESSAGE_BYTES } : { datagrams: MESSAGES })
  expect(firstMismatch).toMatchObject({ unit: stream ? 0 : 3, got: POISON_BYTE, looksPoisoned: true })
  expect(verifyErrors).toBeGreaterThan(MESSAGE_BYTES * 0.9)
})

test('a datagram without the header, a wrong length and poison from the first byte are verify errors', async () => {
  const { receiver, socket } = await open(1, { mode: 'verify', seed: SEED })
  await sendAll(socket, new Uint8Array(100).fill(POISON_BYTE))
  const first = await receiver.waitFor({ datagrams: 1 })
  expect(first).toMatchObject({ verifyErrors: 1, firstMismatch: { unit: null, offset: 0, got: POISON_BYTE, looksPoisoned: true } })
  const tail = contentOf(false, 4).fill(POISON_BYTE, 6)
  await sendAll(socket, tail)
  await sendAll(socket, contentOf(false, 5).subarray(0, 2_000))
  await sendAll(socket, new Uint8Array(3))
  expect(await receiver.waitFor({ datagrams: 4 })).toMatchObject({ verifyErrors: 4 })
})

test('datagrams out of order are counted, and their content still verified', async () => {
  const { receiver, socket } = await open(1, { mode: 'verify', seed: SEED })
  for (const unit of [0, 2, 1, 3, 3]) await sendAll(socket, contentOf(false, unit))
  expect(await receiver.waitFor({ datagrams: 5 })).toMatchObject({ verifyErrors: 0, outOfOrder: 2, nextSequence: 4 })
})
