import { once } from 'node:events'
import { type ConnectedPair, tcpPairs } from '@sendzc/core/conformance'
import { Wake } from '@sendzc/core/driver'
import {
  assertKeptForDevice,
  bounded,
  content,
  DriverSession,
  pressGarbageCollector,
  type SlowDeviceReport,
  slowLoopback,
} from '@sendzc/core/fixtures'
import { describe, expect, it } from 'vitest'
import { uring } from '../src/index.js'
import { loadNative } from '../src/native.js'
import { parsed, runChild, runInNamespace, startWorker } from './children/child.js'
import type { Stage, StageTask } from './children/stage-child.js'

const CHILD_TEST_MS = 90_000
const STAGE_STATUS = 7
/** Slower than the end of a worker waits for. */
const SLOW_KBIT_PER_S = 200
const MESSAGE_BYTES = 500_000
const stages: readonly Stage[] = ['opened', 'held', 'stalled', 'armed', 'within sent', 'within released', 'within wake', 'closed in flight']
/** Stages at which the peer must not read, so that messages stay in flight. */
const stalledStages: readonly Stage[] = ['stalled', 'armed', 'closed in flight']
/** Stages at which the kernel has got no message. */
const unsubmittedStages: readonly Stage[] = ['opened', 'held']

/** Bytes pinned by all environments of this process, and bytes left pinned on purpose. */
function pins(): { pinned: number; leaked: number } {
  const values = new Float64Array(2)
  loadNative().processMemory(values)
  const [pinned = 0, leaked = 0] = values
  return { pinned, leaked }
}

/** A stream that is stalled with messages in flight, whose memory only the driver holds. */
async function stalledStream(): Promise<{ pair: ConnectedPair; session: DriverSession; submitted: number }> {
  const pair = await tcpPairs('127.0.0.1')()
  pair.peer.pause()
  const session = new DriverSession(uring(), pair.fd, 64)
  let submitted = 0
  for (let batch = 0; batch < 4; batch++) {
    const messages = Array.from({ length: 16 }, (_, at) => ({
      segments: [content(MESSAGE_BYTES, submitted + at * MESSAGE_BYTES)],
      zerocopy: true,
    }))
    const reports = session.submit(messages)
    submitted += 16 * MESSAGE_BYTES
    if (reports.some(({ result }) => result === undefined)) break
  }
  session.forgetMemory()
  return { pair, session, submitted }
}

describe('memory in flight', () => {
  it('stays as it was sent while garbage is collected', async () => {
    const { pair, session, submitted } = await stalledStream()
    for (let round = 0; round < 4; round++) pressGarbageCollector()
    expect(session.driver.counters().pinnedBytes).toBeGreaterThan(0)
    pair.peer.resume()
    expect(Buffer.compare(await pair.peer.read(submitted), content(submitted))).toBe(0)
    await session.settled()
    expect(session.driver.counters().pinnedBytes).toBe(0)
    expect(session.driver.close()).toBe(0)
    await pair.dispose()
  })

  it('stays as it was sent when its buffer is transferred away and dropped', async () => {
    const pair = await tcpPairs('127.0.0.1')()
    pair.peer.pause()
    const session = new DriverSession(uring(), pair.fd, 16)
    const buffers = Array.from({ length: 16 }, (_, at) => content(MESSAGE_BYTES, at * MESSAGE_BYTES))
    session.submit(buffers.map((buffer) => ({ segments: [buffer], zerocopy: true })))
    session.forgetMemory()
    for (const buffer of buffers) structuredClone(buffer.buffer, { transfer: [buffer.buffer as ArrayBuffer] })
    expect(buffers.every(({ byteLength }) => byteLength === 0)).toBe(true)
    for (let round = 0; round < 4; round++) pressGarbageCollector()
    pair.peer.resume()
    const total = 16 * MESSAGE_BYTES
    expect(Buffer.compare(await pair.peer.read(total), content(total))).toBe(0)
    await session.settled()
    session.driver.close()
    await pair.dispose()
  })

  it('stays pinned after close(), which says how much, until the kernel lets go of it', async () => {
    const before = pins()
    const { pair, session } = await stalledStream()
    session.closed = true
    const left = session.driver.close()
    expect(left).toBeGreaterThan(0)
    expect(pins().pinned - before.pinned).toBe(left)
    for (let round = 0; round < 4; round++) pressGarbageCollector()
    pair.peer.resume()
    // Requests that waited in the kernel are canceled; queued bytes arrive whole.
    const queued = await settledUnread(pair)
    expect(queued).toBeGreaterThan(0)
    expect(Buffer.compare(await pair.peer.read(queued), content(queued))).toBe(0)
    // The late notifications are read, though no driver is open any more.
    await bounded(unpinned(before.pinned), 'the last notification')
    session.assertNoViolations()
    await pair.dispose()
  })
})

/** Bytes that have arrived once no more do: the connection is idle when the sender has nothing left to send. */
async function settledUnread(pair: ConnectedPair): Promise<number> {
  const { target } = pair as unknown as { target: { end(): void } }
  target.end()
  await bounded(pair.peer.ended, 'the end of the connection')
  return pair.peer.unreadBytes
}

async function unpinned(level: number): Promise<void> {
  while (pins().pinned > level) await new Promise((resolve) => setImmediate(resolve))
}

describe('process.exit()', () => {
  it.each(stages)(
    '%s: ends with its status',
    async (stage) => {
      const task: StageTask = { stage, status: STAGE_STATUS }
      const { status, signal, stderr } = await runChild('./stage-child.ts', task)
      expect({ status, signal, stderr }).toEqual({ status: STAGE_STATUS, signal: null, stderr: '' })
    },
    CHILD_TEST_MS,
  )
})

describe('worker.terminate()', () => {
  it.each(stages)(
    '%s: frees or counts every pin, and leaves the process and other rings alone',
    async (stage) => {
      const before = pins()
      const pair = await tcpPairs('127.0.0.1')()
      if (stalledStages.includes(stage)) pair.peer.pause()
      const worker = await startWorker('./stage-child.ts', { stage, fd: pair.fd } satisfies StageTask)
      const [message] = await bounded(once(worker, 'message'), `stage ${stage}`)
      expect(message).toBe('reached')
      expect(await bounded(worker.terminate(), 'terminate')).toBe(1)
      const after = pins()
      expect(after.pinned - after.leaked).toBe(before.pinned - before.leaked)
      await sendOnce()
      if (unsubmittedStages.includes(stage)) expect(pair.peer.unreadBytes).toBe(0)
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

/** The environment that is left still works. */
async function sendOnce(): Promise<void> {
  const pair = await tcpPairs('127.0.0.1')()
  const session = new DriverSession(uring(), pair.fd, 1)
  const reports = session.submit([{ segments: [content(50_000)], zerocopy: true }])
  session.arm(Wake.Notification)
  await session.settled()
  expect(reports[0]?.result).toBe(50_000)
  session.driver.close()
  await pair.dispose()
}
