import assert from 'node:assert/strict'
import { quietTurns } from '../bounded.js'
import { assertContent, content, fillContent, POISON, pressGarbageCollector } from '../content.js'
import type { ContractPromise } from '../contract.js'
import { WriteLedger } from '../write-ledger.js'

const MIN_ZEROCOPY_BYTES = 4_096
/** Sizes of the pieces of one write: small ones first, last, alone and side by side. */
const PIECES = [100, 60_000, 1, 300, 4_095, 4_096, 20_000, 0, 7]
const WRITE_BYTES = PIECES.reduce((sum, bytes) => sum + bytes, 0)

interface Mixed {
  pieces: Uint8Array[]
  /** Changes every small piece. */
  poisonSmall: () => void
}

/** Pieces that together hold the content from `at` on. */
function mixed(at: number, sizes: readonly number[] = PIECES): Mixed {
  let from = at
  const pieces = sizes.map((bytes) => {
    const piece = fillContent(new Uint8Array(bytes), from)
    from += bytes
    return piece
  })
  return {
    pieces,
    poisonSmall: () => {
      for (const piece of pieces) if (piece.byteLength < MIN_ZEROCOPY_BYTES) piece.fill(POISON)
    },
  }
}

export const mixedPieces: ContractPromise = {
  name: 'mixed-pieces',
  says: 'small pieces beside large ones leave in their order within one write, and the memory of the small ones is free at sent',
  cases: [
    {
      name: 'small pieces that are changed as soon as their write is sent',
      kinds: ['stream'],
      run: async (trial) => {
        const { pair, ledger } = await trial.start({ minZerocopyBytes: MIN_ZEROCOPY_BYTES })
        pair.peer.pause()
        const writes = 12
        for (let index = 0; index < writes; index++) {
          const { pieces, poisonSmall } = mixed(index * WRITE_BYTES)
          // A full socket leaves a write pending: its small pieces are the writer's until then.
          void ledger.write(pieces).settled.then(poisonSmall)
        }
        await quietTurns()
        pressGarbageCollector()
        pair.peer.resume()
        assertContent(await pair.peer.read(writes * WRITE_BYTES), 0, 'stream')
        await ledger.allReleased()
        ledger.assertAllSent()
      },
    },
    {
      name: 'a write that the kernel takes in many parts, with a small piece before each large one',
      kinds: ['stream'],
      run: async (trial) => {
        const { pair, ledger } = await trial.start({ minZerocopyBytes: MIN_ZEROCOPY_BYTES, maxInFlight: 4 })
        pair.peer.pause()
        const rounds = Math.ceil(pair.stallBytes / 20_011)
        const { pieces, poisonSmall } = mixed(0, Array.from({ length: rounds }, () => [11, 20_000]).flat())
        const write = ledger.write(pieces)
        void write.settled.then(poisonSmall)
        await quietTurns()
        assert.equal(write.state, 'pending')
        pair.peer.resume()
        assertContent(await pair.peer.read(rounds * 20_011), 0, 'stream')
        await ledger.allReleased()
        ledger.assertAllSent()
      },
    },
    {
      name: 'more small pieces than one batch copies',
      kinds: ['stream'],
      run: async (trial) => {
        const { pair, ledger } = await trial.start({ minZerocopyBytes: MIN_ZEROCOPY_BYTES })
        const { pieces, poisonSmall } = mixed(0, [8_000, ...Array.from({ length: 300 }, () => 4_000), 8_000])
        void ledger.write(pieces).settled.then(poisonSmall)
        assertContent(await pair.peer.read(1_216_000), 0, 'stream')
        await ledger.allReleased()
        ledger.assertAllSent()
      },
    },
    {
      name: 'pieces of a datagram',
      kinds: ['datagram'],
      run: async (trial) => {
        const { pair, ledger } = await trial.start({ minZerocopyBytes: MIN_ZEROCOPY_BYTES })
        for (const sizes of [
          [100, 20_000],
          [20_000, 100],
          [1, 2, 20_000, 3, 4],
        ]) {
          const { pieces, poisonSmall } = mixed(0, sizes)
          void ledger.write(pieces).settled.then(poisonSmall)
          const datagram = await pair.peer.readDatagram()
          assert.equal(
            datagram.byteLength,
            sizes.reduce((sum, bytes) => sum + bytes, 0),
          )
          assertContent(datagram, 0, sizes.join(' + '))
        }
        await ledger.allReleased()
        ledger.assertAllSent()
      },
    },
    {
      name: 'the header of a datagram in a slow device that is changed at sent',
      kinds: ['datagram'],
      needsSlowPair: true,
      run: async (trial) => {
        const pair = await trial.slowPair()
        const ledger = new WriteLedger(await trial.writer(pair, { minZerocopyBytes: MIN_ZEROCOPY_BYTES }))
        for (let index = 0; index < 6; index++) {
          const header = content(100)
          void ledger.write([header, content(20_000, 100)]).settled.then(() => header.fill(POISON))
        }
        await ledger.allSettled()
        for (let index = 0; index < 6; index++) assertContent(await pair.peer.readDatagram(), 0, `datagram ${index}`)
        await ledger.allReleased()
        ledger.assertAllSent()
      },
    },
  ],
}
