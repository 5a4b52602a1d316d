import assert from 'node:assert/strict'
import { quietTurns } from '../bounded.js'
import { assertContent, content } from '../content.js'
import type { ContractPromise } from '../contract.js'

export const sent: ContractPromise = {
  name: 'sent',
  says: 'write resolves once every byte is sent, with the number of all bytes',
  cases: [
    {
      name: 'for one piece and for several',
      run: async (trial) => {
        const { pair, writer, ledger } = await trial.start()
        for (const data of [content(20_000), [content(20_000), content(5_000, 20_000), new Uint8Array(0)], content(100)]) {
          const bytes = Array.isArray(data) ? 25_000 : (data as Uint8Array).byteLength
          const write = ledger.write(data)
          await ledger.allSettled()
          assert.equal(write.state, 'sent', write.error?.message ?? '')
          assert.equal(write.sent?.bytes, bytes)
          const received = trial.kind === 'stream' ? await pair.peer.read(bytes) : await pair.peer.readDatagram()
          assert.equal(received.byteLength, bytes)
          assertContent(received, 0, 'what arrived')
        }
        await ledger.allReleased()
        assert.equal(writer.stats().bytesSent, 45_100)
      },
    },
    {
      name: 'for nothing: no bytes, and released all the same',
      kinds: ['stream'],
      run: async (trial) => {
        const { ledger } = await trial.start()
        for (const data of [new Uint8Array(0), [], [new Uint8Array(0), new Uint8Array(0)]]) {
          const write = ledger.write(data)
          await ledger.allReleased()
          assert.equal(write.sent?.bytes, 0)
        }
        ledger.assertAllSent()
      },
    },
    {
      name: 'not before: a write larger than the socket takes stays pending while the peer does not read',
      kinds: ['stream'],
      run: async (trial) => {
        const { pair, ledger } = await trial.start()
        pair.peer.pause()
        const write = ledger.write(content(pair.stallBytes))
        await quietTurns()
        assert.equal(write.state, 'pending')
        pair.peer.resume()
        assertContent(await pair.peer.read(pair.stallBytes), 0, 'stream')
        await ledger.allReleased()
        ledger.assertAllSent()
        assert.equal(write.sent?.bytes, pair.stallBytes)
      },
    },
    {
      name: 'in the order of the calls',
      kinds: ['stream'],
      run: async (trial) => {
        const { pair, ledger } = await trial.start()
        const settled: number[] = []
        for (let index = 0; index < 16; index++) {
          const write = ledger.write(content(index % 2 === 0 ? 12_000 : 300, index))
          void write.settled.then(() => settled.push(index))
        }
        await ledger.allReleased()
        await pair.peer.read(8 * 12_300)
        assert.deepEqual(
          settled,
          settled.map((_, index) => index),
        )
        ledger.assertAllSent()
      },
    },
    {
      name: 'in the order of the calls, also behind a write that has stalled for some turns',
      kinds: ['stream'],
      run: async (trial) => {
        const { pair, ledger } = await trial.start()
        pair.peer.pause()
        const settled: number[] = []
        const note = (index: number, bytes: number): void => {
          void ledger.write(content(bytes, index)).settled.then(() => settled.push(index))
        }
        note(0, pair.stallBytes)
        for (let index = 1; index < 8; index++) {
          await quietTurns()
          note(index, 12_000)
        }
        pair.peer.resume()
        await pair.peer.read(pair.stallBytes + 7 * 12_000)
        await ledger.allReleased()
        assert.deepEqual(settled, [0, 1, 2, 3, 4, 5, 6, 7])
        ledger.assertAllSent()
      },
    },
  ],
}
