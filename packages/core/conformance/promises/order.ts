import assert from 'node:assert/strict'
import { seededRandom } from '../../src/testing/seeded-random.js'
import type { WriterOptions } from '../../src/writer/options.js'
import { quietTurns } from '../bounded.js'
import { assertContent, content, fillContent } from '../content.js'
import type { ContractPromise } from '../contract.js'
import type { ConnectedPair } from '../peers.js'
import type { Trial } from '../trial.js'
import { rejection } from '../write-ledger.js'

/** Sizes on both sides of the zero-copy threshold, so that neighbours leave in different ways. */
function mixedSizes(count: number, largestBytes: number, seed: number): number[] {
  const random = seededRandom(seed)
  return Array.from({ length: count }, () => Math.ceil(random() < 0.5 ? random() * 2_000 : random() * largestBytes))
}

/** Writes `sizes` without waiting, and reads them at the peer. */
async function writeAndRead(trial: Trial, sizes: readonly number[], stall: boolean): Promise<void> {
  const { pair, ledger } = await trial.start()
  if (stall) pair.peer.pause()
  const whole = new Uint8Array(sizes.reduce((sum, bytes) => sum + bytes, 0))
  fillContent(whole, 0)
  let position = 0
  for (const [index, bytes] of sizes.entries()) {
    ledger.write(whole.subarray(position, position + bytes))
    position += bytes
    if (index % 50 === 49) await quietTurns()
  }
  if (stall) pair.peer.resume()
  assertContent(await pair.peer.read(whole.byteLength), 0, 'stream')
  await ledger.allReleased()
  ledger.assertAllSent()
}

/** The writes before, in, and after a hole. */
interface Hole {
  options?: WriterOptions
  before: (pair: ConnectedPair) => number
  hole: (begin: number) => Uint8Array[]
  /** The peer stalls until the hole is there: the writer, or the driver, waits for room in the midst of the bytes before it. */
  stall?: boolean
}

/** Transfers memory away behind `write()`. Only the bytes before it arrive, and the stream has ended. */
async function writeAroundHole(trial: Trial, { options, before, hole, stall = false }: Hole): Promise<void> {
  const { pair, writer, ledger } = await trial.start(options)
  const begin = before(pair)
  const gone = hole(begin)
  const holeBytes = gone.reduce((sum, { byteLength }) => sum + byteLength, 0)
  if (stall) pair.peer.pause()
  ledger.write(content(begin))
  if (stall) await quietTurns()
  ledger.write(gone.length === 1 ? (gone[0] as Uint8Array) : gone)
  ledger.write(content(3_000, begin + holeBytes))
  const last = gone.at(-1) as Uint8Array
  const arrives = begin + holeBytes - last.byteLength
  structuredClone(last.buffer, { transfer: [last.buffer as ArrayBuffer] })
  if (stall) pair.peer.resume()
  assertContent(await pair.peer.read(arrives), 0, 'what was written before the hole')
  await ledger.allReleased()
  const states = ledger.writes.map(({ state, error }) => error?.code ?? state)
  assert.deepEqual(states, ['sent', 'ERR_ZC_BUFFER_DETACHED', 'ERR_ZC_BUFFER_DETACHED'])
  await rejection(writer.write(content(1)), 'ERR_ZC_BUFFER_DETACHED', 'a write after the hole')
  await writer.close()
  await quietTurns()
  assert.equal(pair.peer.unreadBytes, 0, 'bytes arrived in the place of memory that was transferred away')
}

/** As many as a receive buffer of the kernel's default size holds with their accounting, and more than the fake kernel's socket holds. */
const DATAGRAMS_AT_ONCE = 24
const LARGEST_DATAGRAM_BYTES = 12_000
const DATAGRAM_ROUNDS = 4

/** Writes numbered datagrams without waiting, and reads at the peer in which order they come. */
async function writeDatagramsInOrder(trial: Trial): Promise<void> {
  const { pair, ledger } = await trial.start()
  const sizes = mixedSizes(DATAGRAMS_AT_ONCE * DATAGRAM_ROUNDS, LARGEST_DATAGRAM_BYTES, 4)
  const came: number[] = []
  for (let round = 0; round < DATAGRAM_ROUNDS; round++) {
    for (let index = 0; index < DATAGRAMS_AT_ONCE; index++) {
      const number = round * DATAGRAMS_AT_ONCE + index
      const datagram = new Uint8Array(4 + (sizes[number] as number))
      new DataView(datagram.buffer).setUint32(0, number)
      ledger.write(datagram)
      if (index === DATAGRAMS_AT_ONCE >> 1) await quietTurns()
    }
    for (let index = 0; index < DATAGRAMS_AT_ONCE; index++) {
      const { buffer, byteOffset } = await pair.peer.readDatagram()
      came.push(new DataView(buffer, byteOffset).getUint32(0))
    }
  }
  assert.deepEqual(
    came,
    sizes.map((_, number) => number),
  )
  await ledger.allReleased()
  ledger.assertAllSent()
}

export const order: ContractPromise = {
  name: 'order',
  says: 'bytes and datagrams leave in the order of the calls, whatever the kernel takes at a time',
  cases: [
    {
      name: 'small and large datagrams, more than the socket has room for',
      kinds: ['datagram'],
      run: writeDatagramsInOrder,
    },
    {
      name: 'nothing leaves in the place of memory that was transferred away, of writes that share a message',
      kinds: ['stream'],
      run: (trial) => writeAroundHole(trial, { before: () => 500, hole: (begin) => [content(2_000, begin)] }),
    },
    {
      name: 'nothing leaves in the place of memory that was transferred away, of messages that share a call',
      kinds: ['stream'],
      run: (trial) =>
        writeAroundHole(trial, {
          options: { minZerocopyBytes: 0, maxJoinedBytes: 0 },
          before: () => 12_000,
          hole: (begin) => [content(12_000, begin)],
        }),
    },
    {
      name: 'nothing leaves in the place of a segment that was transferred away',
      kinds: ['stream'],
      run: (trial) =>
        writeAroundHole(trial, { before: () => 500, hole: (begin) => [content(1_000, begin), content(2_000, begin + 1_000)] }),
    },
    {
      name: 'nothing leaves in the place of memory that was transferred away while others wait for room',
      kinds: ['stream'],
      run: (trial) =>
        writeAroundHole(trial, {
          options: { minZerocopyBytes: 0, maxJoinedBytes: 1_000_000_000 },
          before: ({ stallBytes }) => stallBytes,
          hole: (begin) => [content(2_000, begin)],
          stall: true,
        }),
    },
    {
      name: 'small and large writes, a peer that reads',
      kinds: ['stream'],
      run: (trial) => writeAndRead(trial, mixedSizes(300, 120_000, 1), false),
    },
    {
      name: 'small and large writes, a peer that stalls',
      kinds: ['stream'],
      run: async (trial) => {
        const pair = await trial.pair()
        const largestBytes = Math.max(20_000, Math.ceil(pair.stallBytes / 50))
        await writeAndRead(trial, mixedSizes(300, largestBytes, 2), true)
      },
    },
    {
      name: 'a peer that stalls again and again',
      kinds: ['stream'],
      run: async (trial) => {
        const { pair, ledger } = await trial.start()
        const bytes = Math.max(30_000, Math.ceil(pair.stallBytes / 8))
        let position = 0
        for (let round = 0; round < 6; round++) {
          pair.peer.pause()
          const sizes = [bytes, 7, bytes, 2_000, 1, bytes]
          const begin = position
          for (const size of sizes) {
            ledger.write(content(size, position))
            position += size
          }
          await quietTurns()
          pair.peer.resume()
          assertContent(await pair.peer.read(position - begin), begin, `round ${round}`)
        }
        await ledger.allReleased()
        ledger.assertAllSent()
      },
    },
    {
      name: 'writes of many segments, empty ones among them',
      kinds: ['stream'],
      run: async (trial) => {
        const { pair, ledger } = await trial.start()
        const random = seededRandom(3)
        let position = 0
        for (const count of [1, 2, 40, 300, 1_500]) {
          const segments: Uint8Array[] = []
          for (let index = 0; index < count; index++) {
            const bytes = random() < 0.1 ? 0 : Math.ceil(random() * 900)
            segments.push(content(bytes, position))
            position += bytes
          }
          ledger.write(segments)
        }
        assertContent(await pair.peer.read(position), 0, 'stream')
        await ledger.allReleased()
        ledger.assertAllSent()
      },
    },
  ],
}
