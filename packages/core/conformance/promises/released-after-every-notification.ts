import assert from 'node:assert/strict'
import { quietTurns } from '../bounded.js'
import { assertContent, content, fillContent, makeGarbage, POISON, pressGarbageCollector } from '../content.js'
import type { ContractPromise } from '../contract.js'
import { expectDatagrams } from '../driver/traffic.js'
import type { Trial } from '../trial.js'
import { WriteLedger } from '../write-ledger.js'

/** The behaviour of the caller in a poison run. */
interface PoisonRun {
  bufferBytes: number
  buffers: number
  writes: number
  /** Cuts the buffer into this many segments. */
  segments: number
}

/** Reuses a few buffers as fast as they are released; each holds poison from the moment it is. */
async function runPoison(trial: Trial, { bufferBytes, buffers, writes, segments }: PoisonRun): Promise<void> {
  const { pair, ledger } = await trial.start({ minZerocopyBytes: 1_024, maxInFlight: 32 })
  const free: Uint8Array[] = Array.from({ length: buffers }, () => new Uint8Array(bufferBytes))
  let onFree: (() => void) | undefined
  const reading = readStream(writes, bufferBytes, (bytes) => pair.peer.read(bytes))
  reading.catch(() => onFree?.())
  for (let index = 0; index < writes; index++) {
    if (index % 24 === 12) pair.peer.pause()
    if (index % 24 === 20 || free.length === 0) pair.peer.resume()
    if (index % 8 === 0) makeGarbage()
    while (free.length === 0) {
      await Promise.race([
        reading,
        new Promise<void>((resolve) => {
          onFree = resolve
        }),
      ])
    }
    const buffer = free.pop() as Uint8Array
    fillContent(buffer, index * bufferBytes)
    ledger.write(cut(buffer, segments), {
      onReleased: (outcome) => {
        assert.notEqual(outcome, 'abandoned')
        buffer.fill(POISON)
        free.push(buffer)
        onFree?.()
      },
    })
  }
  pair.peer.resume()
  await reading
  await ledger.allReleased()
  ledger.assertAllSent()
}

async function readStream(writes: number, bytes: number, read: (bytes: number) => Promise<Uint8Array>): Promise<void> {
  for (let index = 0; index < writes; index++) assertContent(await read(bytes), index * bytes, `write ${index}`)
}

function cut(buffer: Uint8Array, segments: number): Uint8Array | Uint8Array[] {
  if (segments === 1) return buffer
  const bytes = Math.ceil(buffer.byteLength / segments)
  return Array.from({ length: segments }, (_, index) => buffer.subarray(index * bytes, (index + 1) * bytes))
}

export const releasedAfterEveryNotification: ContractPromise = {
  name: 'released-after-every-notification',
  says: 'released comes after every notification that covers any byte: memory that is modified then never arrives modified',
  cases: [
    {
      name: 'buffers that are reused as soon as they are released',
      kinds: ['stream'],
      run: (trial) => runPoison(trial, { bufferBytes: 60_000, buffers: 8, writes: 200, segments: 1 }),
    },
    {
      name: 'small buffers, many of them in one message',
      kinds: ['stream'],
      run: (trial) => runPoison(trial, { bufferBytes: 1_500, buffers: 64, writes: 2_000, segments: 1 }),
    },
    {
      name: 'writes of more segments than a message takes',
      kinds: ['stream'],
      run: (trial) => runPoison(trial, { bufferBytes: 120_000, buffers: 6, writes: 60, segments: 50 }),
    },
    {
      name: 'one write that the kernel takes in many parts',
      kinds: ['stream'],
      run: async (trial) => {
        const pair = await trial.pair()
        const writer = await trial.writer(pair, { maxInFlight: 4 })
        pair.peer.pause()
        const buffer = content(pair.stallBytes)
        let released = false
        const write = writer.write(buffer).then(async ({ released: when }) => {
          await when
          released = true
          buffer.fill(POISON)
        })
        write.catch(() => undefined)
        await quietTurns()
        assert.equal(released, false, 'released while the peer had read nothing')
        pair.peer.resume()
        assertContent(await pair.peer.read(pair.stallBytes), 0, 'stream')
        await write
      },
    },
    {
      name: 'memory that the caller forgets stays alive until it has left',
      kinds: ['stream'],
      run: async (trial) => {
        const { pair, writer, ledger } = await trial.start()
        pair.peer.pause()
        const pieces = 40
        const bytes = Math.ceil(pair.stallBytes / pieces)
        for (let index = 0; index < pieces; index++) ledger.write(content(bytes, index * bytes))
        pressGarbageCollector()
        await quietTurns()
        pair.peer.resume()
        assertContent(await pair.peer.read(pieces * bytes), 0, 'stream')
        await ledger.allReleased()
        assert.equal(writer.stats().inFlight, 0)
      },
    },
    {
      name: 'datagrams that are poisoned at released',
      kinds: ['datagram'],
      run: async (trial) => {
        const { pair, ledger } = await trial.start({ minZerocopyBytes: 1_024 })
        for (let round = 0; round < 60; round++) {
          for (let index = 0; index < 3; index++) {
            const buffer = content(9_000 + index, round * 7 + index)
            ledger.write(buffer, { onReleased: () => buffer.fill(POISON) })
          }
          for (let index = 0; index < 3; index++) assertContent(await pair.peer.readDatagram(), round * 7 + index, `round ${round}`)
          if (round % 8 === 0) makeGarbage()
        }
        await ledger.allReleased()
        ledger.assertAllSent()
      },
    },
    {
      name: 'datagrams in a slow device that are poisoned at released',
      kinds: ['datagram'],
      needsSlowPair: true,
      run: async (trial) => {
        const pair = await trial.slowPair()
        const ledger = new WriteLedger(await trial.writer(pair))
        for (let index = 0; index < 6; index++) {
          const buffer = content(20_000, index)
          ledger.write(buffer, { onReleased: () => buffer.fill(POISON) })
        }
        await ledger.allSettled()
        pressGarbageCollector()
        await expectDatagrams(pair, 6, 20_000)
        await ledger.allReleased()
        ledger.assertAllSent()
      },
    },
  ],
}
