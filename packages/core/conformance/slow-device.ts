import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { type Backend, type Driver, MessageFlag, SendBatch } from '../src/driver/driver.js'
import { openWriter } from '../src/open/open-writer.js'
import { seededRandom } from '../src/testing/memory-kernel.js'
import { bounded, quietTurns } from './bounded.js'
import { content, POISON } from './content.js'
import { descriptorOf, type LoopbackHost, stopReceiving, udpPairs } from './loopback-pairs.js'
import { WriteLedger } from './write-ledger.js'

const DATAGRAMS = 8
/** Small enough that its memory comes from the heap, where what is freed is soon used again. */
const DATAGRAM_BYTES = 20_000
/** Pieces of poison, each as large as a datagram: more memory than a worker leaves behind. */
const POISON_PIECES = 2_000
/** What is behind the burst takes 4 s at 200 kbit/s. */
const ARRIVAL_MS = 30_000

/** Memory of a process. */
export interface PinnedMemory {
  pinnedBytes: number
  leakedBytes: number
}

/** What came of a worker that was terminated with datagrams in the queue of a device. */
export interface SlowDeviceReport {
  submittedInFlight: number
  /** Left pinned on purpose when the worker ended. */
  leakedBytes: number
  /** Beyond what was leaked. */
  pinnedBytes: number
  arrived: number
  /** Datagrams that held something else than what was sent, and whether that was poison. */
  wrong: string[]
}

/** In the worker: submits every datagram and forgets its memory. Returns the driver, which is left open. */
export function submitDatagrams(backend: Backend, fd: number): { driver: Driver; inFlight: number } {
  let released = 0
  const driver = backend.open({
    fd,
    maxInFlight: DATAGRAMS,
    sink: {
      sent: (_token, result) => {
        if (result !== DATAGRAM_BYTES) throw new Error(`sent with ${result}`)
      },
      released: () => released++,
      wake: () => undefined,
    },
  })
  const batch = new SendBatch(DATAGRAMS, DATAGRAMS)
  for (let token = 0; token < DATAGRAMS; token++) {
    batch.addSegment(content(DATAGRAM_BYTES, token))
    batch.endMessage(token, 1, MessageFlag.Zerocopy)
  }
  driver.submit(batch)
  driver.flush()
  batch.clear()
  return { driver, inFlight: DATAGRAMS - released }
}

/** Takes, as a thread, what the heap has free, and fills it with poison: a new thread is given the heap of one that ended. */
async function poisonFreedMemory(): Promise<Worker> {
  const code = `
    const { parentPort } = require('node:worker_threads')
    globalThis.pieces = Array.from({ length: ${POISON_PIECES} }, () => new Uint8Array(${DATAGRAM_BYTES}).fill(${POISON}))
    parentPort.on('message', () => undefined).postMessage('poisoned')`
  const poisoner = new Worker(code, { eval: true })
  await bounded(once(poisoner, 'message'), 'poison')
  return poisoner
}

/**
 * In the main thread of a process whose loopback device is slow: starts a worker that calls {@link submitDatagrams} and then says how much
 * is in flight, terminates it, poisons all memory that is free, and looks at what arrives.
 */
export async function terminateWithDatagramsQueued(
  startWorker: (fd: number) => Worker,
  memory: () => PinnedMemory,
): Promise<SlowDeviceReport> {
  const receiver = createSocket({ type: 'udp4', recvBufferSize: 4 * DATAGRAMS * DATAGRAM_BYTES })
  const datagrams: Buffer[] = []
  let arrivedAll!: () => void
  const arrival = new Promise<void>((resolve) => {
    arrivedAll = resolve
  })
  receiver.on('message', (message) => {
    if (datagrams.push(message) === DATAGRAMS) arrivedAll()
  })
  receiver.bind(0, '127.0.0.1')
  await bounded(once(receiver, 'listening'), 'listening')
  const sender = createSocket({ type: 'udp4', sendBufferSize: 4 * DATAGRAMS * DATAGRAM_BYTES })
  sender.connect(receiver.address().port, '127.0.0.1')
  await bounded(once(sender, 'connect'), 'connection')
  const before = memory()
  stopReceiving(sender)
  const worker = startWorker(descriptorOf(sender))
  const [submittedInFlight] = (await bounded(once(worker, 'message'), 'submission')) as [number]
  await bounded(worker.terminate(), 'end of the worker')
  const poisoner = await poisonFreedMemory()
  const after = memory()
  await bounded(arrival, 'arrival of every datagram', ARRIVAL_MS)
  await poisoner.terminate()
  receiver.close()
  sender.close()
  const leakedBytes = after.leakedBytes - before.leakedBytes
  return {
    submittedInFlight,
    leakedBytes,
    pinnedBytes: after.pinnedBytes - before.pinnedBytes - leakedBytes,
    arrived: datagrams.length,
    wrong: datagrams.flatMap(wrongContent),
  }
}

function wrongContent(datagram: Uint8Array, index: number): string[] {
  if (Buffer.compare(datagram, content(DATAGRAM_BYTES, index)) === 0) return []
  return [`datagram ${index}${datagram.includes(POISON) ? ' holds poison' : ''}`]
}

/** Datagrams whose order is looked at: with their accounting twice what a socket's send buffer holds by default. */
const NUMBERED_DATAGRAMS = 200
/** Writes at a time, on both sides of the threshold of zero-copy, so that they leave in different ways. */
const NUMBERED_AT_ONCE = 20
const NUMBERED_LARGEST_BYTES = 12_000

/**
 * In a process whose loopback device is slow: writes numbered datagrams of mixed sizes into a socket that is full nearly all the time.
 * @returns the datagrams that came behind a later one, each as `number behind number`
 */
export async function datagramsOvertaken(backend: Backend, host: LoopbackHost): Promise<string[]> {
  const pair = await udpPairs(host)()
  const writer = await openWriter(pair.target as Parameters<typeof openWriter>[0], { backend })
  const ledger = new WriteLedger(writer)
  const random = seededRandom(1)
  for (let number = 0; number < NUMBERED_DATAGRAMS; number++) {
    const datagram = new Uint8Array(4 + Math.floor(random() * (random() < 0.5 ? 1_500 : NUMBERED_LARGEST_BYTES)))
    new DataView(datagram.buffer).setUint32(0, number)
    ledger.write(datagram)
    if (number % NUMBERED_AT_ONCE === NUMBERED_AT_ONCE - 1) await quietTurns()
  }
  const overtaken: string[] = []
  for (let index = 0, latest = -1; index < NUMBERED_DATAGRAMS; index++) {
    const { buffer, byteOffset } = await pair.peer.readDatagram()
    const number = new DataView(buffer, byteOffset).getUint32(0)
    if (number < latest) overtaken.push(`${number} behind ${latest}`)
    latest = Math.max(latest, number)
  }
  await ledger.allReleased()
  ledger.assertAllSent()
  await writer.close()
  await pair.dispose()
  return overtaken
}
