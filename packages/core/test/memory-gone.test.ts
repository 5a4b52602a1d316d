// Buffers that their owner transferred away before they were released: a breach of the contract, which causes an error and no worse.
import { runInNewContext } from 'node:vm'
import { describe, expect, it } from 'vitest'
import { turn, until } from '../conformance/bounded.js'
import { content, rejection, WriteLedger } from '../conformance/fixtures/index.js'
import { SendBatch } from '../src/driver/driver.js'
import { openWriter } from '../src/open/open-writer.js'
import { type MemoryOptions, memory } from '../src/testing/memory-backend.js'
import { MessageTable } from '../src/writer/message-table.js'
import { parseOptions, writerOptionsSchema } from '../src/writer/options.js'
import { PendingWrite } from '../src/writer/pending-write.js'
import { StreamBatcher } from '../src/writer/stream-batcher.js'
import { WriteQueue } from '../src/writer/write-queue.js'
import { ZerocopyPolicy } from '../src/writer/zerocopy-policy.js'

/** A loop without end has to be ended from outside. */
const CALL_MS = 2_000

function transfer(...views: Uint8Array[]): void {
  for (const view of views) structuredClone(view.buffer, { transfer: [view.buffer as ArrayBuffer] })
}

/** Runs `call` within {@link CALL_MS}, even if it never gives way. */
function endsSoon(call: () => void): void {
  runInNewContext('call()', { call }, { timeout: CALL_MS })
}

function batcherOf(maxSegments: number): StreamBatcher {
  return new StreamBatcher(
    new MessageTable(4),
    new ZerocopyPolicy(parseOptions(writerOptionsSchema, {}, 'the test'), true),
    maxSegments,
    1_000,
  )
}

describe('the queue moves on over a buffer that is gone', () => {
  it('by the bytes that the kernel took of it, not by its length of now', () => {
    const batcher = batcherOf(16)
    const queue = new WriteQueue()
    const gone = new Uint8Array(100)
    const first = new PendingWrite(gone, 100, 0)
    queue.push(first)
    queue.push(new PendingWrite(new Uint8Array(50), 50, 1))
    transfer(gone)
    endsSoon(() => batcher.advance(queue, 60))
    expect([first.sentBytes, first.segmentOffset, queue.length]).toEqual([60, 60, 2])
    endsSoon(() => batcher.advance(queue, 60))
    expect([first.sentBytes, queue.length, queue.first?.sentBytes]).toEqual([100, 1, 20])
  })

  it('no further than to the first segment that is gone, and there it ends', () => {
    const batcher = batcherOf(2)
    const queue = new WriteQueue()
    const segments = [new Uint8Array(100), new Uint8Array(100), new Uint8Array(100)]
    const write = new PendingWrite(segments, 300, 0)
    queue.push(write)
    transfer(segments[0] as Uint8Array)
    endsSoon(() => batcher.advance(queue, 200))
    expect([write.sentBytes, write.segmentIndex, write.segmentOffset]).toEqual([200, 0, 0])
    const batch = new SendBatch(4, 8)
    expect(batcher.fill(batch, queue)).toBe(false)
    expect(batch.messageCount).toBe(0)
  })
})

interface Case {
  name: string
  write: (ledger: WriteLedger) => Uint8Array[]
}

const single: Case = {
  name: 'one buffer',
  write: (ledger) => {
    const buffer = content(4_000)
    ledger.write(buffer)
    return [buffer]
  },
}
const several: Case = {
  name: 'an array of buffers',
  write: (ledger) => {
    const buffers = [content(300), content(1_700, 300), content(2_000, 2_000)]
    ledger.write(buffers)
    return buffers
  },
}

/** The fake kernel copies at the send, as it does below the threshold: what it took stays right. */
const options = { minZerocopyBytes: 1_000_000, drainTimeoutMs: 1_000 }
const kernel: MemoryOptions = { sendBufferBytes: 1_000, bytesPerTurn: 1_000 }

describe.each([single, several])('$name, half sent and then transferred', ({ write }) => {
  it.each([
    ['before the answer', { ...kernel, deferred: 'loop' } satisfies MemoryOptions],
    ['while it waits for room', kernel],
  ])('%s: the writes fail, what was sent arrived, and close() has nothing to wait for', async (when, kernelOptions) => {
    const backend = memory(kernelOptions)
    const socket = backend.openSocket()
    socket.paused = true
    const writer = await openWriter({ fd: socket.fd }, { ...options, backend })
    const ledger = new WriteLedger(writer)
    const buffers = write(ledger)
    ledger.write(content(500, 4_000))
    // Microtasks only, so that an answer from the event loop has not come yet.
    for (let task = 0; task < 20 && socket.queuedBytes === 0; task++) await undefined
    expect(socket.queuedBytes).toBe(1_000)
    if (when === 'while it waits for room') await turn()
    transfer(...buffers)
    socket.paused = false
    await ledger.allReleased()
    expect(ledger.writes.map(({ error }) => error?.code)).toEqual(['ERR_ZC_BUFFER_DETACHED', 'ERR_ZC_BUFFER_DETACHED'])
    await rejection(writer.write(content(1)), 'ERR_ZC_BUFFER_DETACHED', 'a later write')
    await writer.close()
    expect(writer.stats()).toMatchObject({ inFlight: 0, bytesInFlight: 0, queuedWrites: 0, queuedBytes: 0, abandonedBytes: 0 })
    await until(() => socket.queuedBytes === 0, 'transmission')
    expect(Buffer.compare(Buffer.concat(socket.received), content(1_000))).toBe(0)
  })
})

describe('joined with others, and transferred while the driver holds their message', () => {
  it('what is behind the hole stays where it is', async () => {
    const backend = memory({ deferred: 'loop' })
    const socket = backend.openSocket()
    const writer = await openWriter({ fd: socket.fd }, { ...options, backend })
    const ledger = new WriteLedger(writer)
    const gone = content(2_000, 500)
    ledger.write(content(500))
    ledger.write(gone)
    ledger.write(content(1_000, 2_500))
    for (let task = 0; task < 20 && backend.held.length === 0; task++) await undefined
    expect(backend.held.length).toBe(1)
    transfer(gone)
    await ledger.allReleased()
    expect(ledger.writes.map(({ state, error }) => error?.code ?? state)).toEqual([
      'sent',
      'ERR_ZC_BUFFER_DETACHED',
      'ERR_ZC_BUFFER_DETACHED',
    ])
    await writer.close()
    await until(() => socket.queuedBytes === 0, 'transmission')
    expect(Buffer.compare(Buffer.concat(socket.received), content(500))).toBe(0)
  })
})

describe('a datagram', () => {
  it('that is sent without one of its segments fails', async () => {
    const backend = memory()
    const socket = backend.openSocket('datagram')
    const writer = await openWriter({ fd: socket.fd }, { ...options, backend })
    const ledger = new WriteLedger(writer)
    const gone = content(200)
    ledger.write([gone, content(300)])
    ledger.write(content(400))
    transfer(gone)
    await ledger.allReleased()
    expect(ledger.writes.map(({ state, error }) => error?.code ?? state)).toEqual(['ERR_ZC_BUFFER_DETACHED', 'sent'])
    await writer.close()
  })
})
