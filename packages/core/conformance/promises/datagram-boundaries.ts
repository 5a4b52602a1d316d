import assert from 'node:assert/strict'
import { assertContent, content } from '../content.js'
import type { ContractPromise } from '../contract.js'
import { rejection } from '../write-ledger.js'

export const datagramBoundaries: ContractPromise = {
  name: 'datagram-boundaries',
  says: 'one write is one datagram, and one that cannot be sent hurts no other',
  cases: [
    {
      name: 'every size, the empty datagram and the largest among them',
      kinds: ['datagram'],
      run: async (trial) => {
        for (const minZerocopyBytes of [0, 10_240]) {
          const { pair, ledger } = await trial.start({ minZerocopyBytes })
          const largest = pair.maxDatagramBytes as number
          for (const bytes of [0, 1, 8, 1_471, 1_472, 1_473, 4_096, 9_001, 10_240, 32_768, 60_000, largest]) {
            const write = ledger.write(content(bytes))
            const datagram = await pair.peer.readDatagram()
            assert.equal(datagram.byteLength, bytes)
            assertContent(datagram, 0, `datagram of ${bytes} bytes`)
            await ledger.allReleased()
            assert.equal(write.sent?.bytes, bytes)
          }
          ledger.assertAllSent()
        }
      },
    },
    {
      name: 'an oversized datagram is rejected, and those around it arrive',
      kinds: ['datagram'],
      run: async (trial) => {
        const { pair, writer, ledger } = await trial.start()
        const before = ledger.write(content(12_000, 1))
        const oversized = writer.write(content(70_000))
        const after = ledger.write(content(12_000, 2))
        const error = await rejection(oversized, 'ERR_ZC_MESSAGE_TOO_LARGE', 'oversized datagram')
        if (error.released !== undefined) assert.notEqual(await error.released, 'abandoned')
        assertContent(await pair.peer.readDatagram(), 1, 'the datagram before')
        assertContent(await pair.peer.readDatagram(), 2, 'the datagram after')
        await ledger.allReleased()
        assert.equal(before.state, 'sent')
        assert.equal(after.state, 'sent')
      },
    },
    {
      name: 'segments are joined into one datagram',
      kinds: ['datagram'],
      run: async (trial) => {
        const { pair, ledger } = await trial.start({ minZerocopyBytes: 0 })
        for (const count of [2, 8, 15]) {
          const segments = Array.from({ length: count }, (_, index) => content(700, index * 700))
          ledger.write([new Uint8Array(0), ...segments, new Uint8Array(0)])
          const datagram = await pair.peer.readDatagram()
          assert.equal(datagram.byteLength, count * 700)
          assertContent(datagram, 0, `${count} segments`)
          await ledger.allReleased()
        }
        ledger.assertAllSent()
      },
    },
    {
      name: 'too many segments: sent as one datagram or rejected as such, never split',
      kinds: ['datagram'],
      run: async (trial) => {
        const { pair, ledger } = await trial.start({ minZerocopyBytes: 0 })
        for (const count of [17, 18, 64, 1_024, 2_000]) {
          const write = ledger.write(Array.from({ length: count }, (_, index) => content(8, index * 8)))
          await ledger.allReleased()
          if (write.state === 'failed') {
            assert.equal(write.error?.code, 'ERR_ZC_TOO_MANY_SEGMENTS', write.error?.message ?? '')
          } else {
            const datagram = await pair.peer.readDatagram()
            assert.equal(datagram.byteLength, count * 8)
            assertContent(datagram, 0, `${count} segments`)
          }
        }
        const last = ledger.write(content(12_000))
        assertContent(await pair.peer.readDatagram(), 0, 'the datagram after')
        await ledger.allReleased()
        assert.equal(last.state, 'sent')
      },
    },
    {
      name: 'many in one turn, of one size and of others: each arrives for itself, in the order of the writes',
      kinds: ['datagram'],
      run: async (trial) => {
        for (const maxJoinedBytes of [524_288, 3_000, 0]) {
          const { pair, ledger } = await trial.start({ maxJoinedBytes })
          const sizes = [
            1_200,
            1_200,
            1_200,
            700,
            1_200,
            1_300,
            1_300,
            0,
            1_300,
            5,
            5,
            5,
            9_000,
            9_000,
            9_000,
            9_000,
            ...new Array(100).fill(900),
          ]
          for (const [index, bytes] of sizes.entries()) {
            // Some of two buffers: what is joined is cut where a datagram ends, not where a buffer does.
            const data = content(bytes, index)
            ledger.write(index % 3 === 1 && bytes > 9 ? [data.subarray(0, 9), data.subarray(9)] : data)
          }
          for (const [index, bytes] of sizes.entries()) {
            const datagram = await pair.peer.readDatagram()
            assert.equal(datagram.byteLength, bytes, `length of datagram ${index}`)
            assertContent(datagram, index, `datagram ${index}`)
          }
          await ledger.allReleased()
          ledger.assertAllSent()
        }
      },
    },
    {
      name: 'memory of one among many that is transferred away: that one fails alone',
      kinds: ['datagram'],
      run: async (trial) => {
        const { pair, writer, ledger } = await trial.start()
        for (let index = 0; index < 4; index++) ledger.write(content(1_000, index))
        const gone = content(1_000)
        const write = rejection(writer.write([content(500), gone]), 'ERR_ZC_BUFFER_DETACHED', 'a datagram whose memory is gone')
        for (let index = 4; index < 8; index++) ledger.write(content(1_000, index))
        structuredClone(gone.buffer, { transfer: [gone.buffer as ArrayBuffer] })
        await write
        for (let index = 0; index < 8; index++) {
          // What was left of the datagram is sent, for the kernel has been asked by then.
          if (index === 4) assert.equal((await pair.peer.readDatagram()).byteLength, 500)
          assertContent(await pair.peer.readDatagram(), index, `datagram ${index}`)
        }
        await ledger.allReleased()
        ledger.assertAllSent()
      },
    },
  ],
}
