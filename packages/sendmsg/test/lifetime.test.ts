import { once } from 'node:events'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { tcpPairs, udpPairs } from '@sendzc/core/conformance'
import { assertKeptForDevice, bounded, content, DriverSession, type SlowDeviceReport, slowLoopback } from '@sendzc/core/fixtures'
import { describe, expect, it } from 'vitest'
import { errqueue, processMemory } from '../src/index.js'
import { parsed, runChild, runInNamespace, startWorker } from './children/child.js'
import type { Stage, StageTask } from './children/stage-child.js'
import { firstMismatch, poisonFreedMemory } from './memory-pressure.js'
import { MESSAGE_BYTES, StalledStream } from './stalled-stream.js'

const CHILD_TEST_MS = 90_000
const STAGE_STATUS = 7
/** Slower than the end of a worker waits for. */
const SLOW_KBIT_PER_S = 200
/** Stages that need the peer to read: only then is anything released, or the socket writable. */
const readingStages: readonly Stage[] = ['within released', 'within wake']
const stages: readonly Stage[] = ['opened', 'in flight', 'armed', 'within sent', 'within released', 'within wake', 'closed in flight']

/** Memory that only the kernel and the driver know of. */
describe('memory in flight', () => {
  it('stays as it was sent while garbage is collected and memory is poisoned', async () => {
    const pair = await tcpPairs('127.0.0.1')()
    pair.peer.pause()
    const stream = new StalledStream(pair.fd)
    stream.fill()
    expect(stream.inFlight).toBeGreaterThan(0)
    stream.buffers.fill(undefined)
    poisonFreedMemory(MESSAGE_BYTES)
    pair.peer.resume()
    expect(firstMismatch(await pair.peer.read(stream.sentBytes))).toBe(-1)
    stream.driver.close()
    await pair.dispose()
  })

  it('stays as it was sent when its buffer is transferred away and dropped', async () => {
    const pair = await tcpPairs('127.0.0.1')()
    pair.peer.pause()
    const stream = new StalledStream(pair.fd)
    stream.fill()
    for (const buffer of stream.buffers) {
      if (buffer === undefined) continue
      structuredClone(buffer.buffer, { transfer: [buffer.buffer as ArrayBuffer] })
      expect(buffer.byteLength).toBe(0)
    }
    poisonFreedMemory(MESSAGE_BYTES)
    pair.peer.resume()
    expect(firstMismatch(await pair.peer.read(stream.sentBytes))).toBe(-1)
    stream.driver.close()
    await pair.dispose()
  })

  it('is left pinned by close(), counted, and still arrives whole', async () => {
    const before = processMemory()
    const pair = await tcpPairs('127.0.0.1')()
    pair.peer.pause()
    const stream = new StalledStream(pair.fd)
    stream.fill()
    stream.buffers.fill(undefined)
    const left = stream.driver.close()
    expect(left).toBeGreaterThan(0)
    expect(processMemory().leakedBytes - before.leakedBytes).toBe(left)
    poisonFreedMemory(MESSAGE_BYTES)
    pair.peer.resume()
    expect(firstMismatch(await pair.peer.read(stream.sentBytes))).toBe(-1)
    await pair.dispose()
  })

  /** Over UDP on the loopback device a message is released within its send. */
  it('is freed by close() where its notification is there', async () => {
    const before = processMemory()
    const pair = await udpPairs('127.0.0.1')()
    const session = new DriverSession(errqueue(), pair.fd, 4)
    session.submit([{ segments: [content(1000)], zerocopy: true }])
    expect(session.inFlight).toBe(1)
    expect(session.driver.close()).toBe(0)
    expect(processMemory()).toEqual(before)
    await pair.dispose()
  })
})

describe('worker.terminate()', () => {
  it.each(stages)(
    '%s: nothing but content arrives, and no memory stays pinned by accident',
    async (stage) => {
      const before = processMemory()
      const pair = await tcpPairs('127.0.0.1')()
      if (!readingStages.includes(stage)) pair.peer.pause()
      const task: StageTask = { stage, fd: pair.fd }
      const worker = await startWorker('./stage-child.ts', task)
      const [reached] = (await bounded(once(worker, 'message'), `stage ${stage}`, 30_000)) as [Stage]
      expect(reached).toBe(stage)
      await worker.terminate()
      poisonFreedMemory(MESSAGE_BYTES)
      pair.peer.resume()
      // The bytes that are still on their way: the thread aborted the connection if it could not wait, so it may end at any byte.
      const arrived = await pair.peer.read(pair.peer.unreadBytes)
      expect(firstMismatch(arrived)).toBe(-1)
      const after = processMemory()
      expect(after.pinnedBytes - before.pinnedBytes).toBe(after.leakedBytes - before.leakedBytes)
      if (stage !== 'closed in flight') expect(after.leakedBytes).toBe(before.leakedBytes)
      await pair.dispose()
    },
    CHILD_TEST_MS,
  )
})

/** Neither a wait nor an abort of the connection gets this memory back: only here is it left pinned when an environment ends. */
describe('worker.terminate() with datagrams in the queue of a device', () => {
  it(
    'leaves their memory pinned, says how much, and they arrive whole',
    async () => {
      const report = parsed<SlowDeviceReport>(await runInNamespace(slowLoopback(SLOW_KBIT_PER_S), './slow-device-child.ts', {}))
      assertKeptForDevice(report)
    },
    CHILD_TEST_MS,
  )
})

/** Reads no byte until it gets the order, then every byte. */
class SlowReader {
  readonly server: Server
  readonly #connected: Promise<Socket>

  constructor() {
    this.server = createServer({ pauseOnConnect: true }).listen(0, '127.0.0.1')
    this.#connected = once(this.server, 'connection').then(([socket]) => socket as Socket)
  }

  async port(): Promise<number> {
    if (!this.server.listening) await once(this.server, 'listening')
    return (this.server.address() as AddressInfo).port
  }

  /** Everything that arrives until the connection ends. */
  async readAll(): Promise<Buffer> {
    const socket = await this.#connected
    const chunks: Buffer[] = []
    socket.on('data', (chunk: Buffer) => chunks.push(chunk))
    // A process that exits resets its connection where data is left unread: only the bytes before the reset count.
    socket.on('error', () => undefined)
    const closed = once(socket, 'close')
    socket.resume()
    await bounded(closed, 'end of the connection', 30_000)
    this.server.close()
    return Buffer.concat(chunks)
  }
}

describe('process.exit()', () => {
  it.each(stages)(
    '%s: ends with its status, and what was sent arrives whole',
    async (stage) => {
      const reader = new SlowReader()
      const task: StageTask = { stage, port: await reader.port() }
      const child = runChild('./stage-child.ts', task)
      const reading = readingStages.includes(stage) ? reader.readAll() : undefined
      const { status, signal, stderr } = await child
      expect({ status, signal, stderr }).toEqual({ status: STAGE_STATUS, signal: null, stderr: '' })
      const arrived = await (reading ?? reader.readAll())
      expect(firstMismatch(arrived)).toBe(-1)
      expect(arrived.byteLength > 0).toBe(stage !== 'opened')
    },
    CHILD_TEST_MS,
  )
})
