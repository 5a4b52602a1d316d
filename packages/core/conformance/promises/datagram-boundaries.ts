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
  ],
}
