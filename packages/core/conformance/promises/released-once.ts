import assert from 'node:assert/strict'
import { quietTurns } from '../bounded.js'
import { assertContent, content } from '../content.js'
import type { ContractPromise } from '../contract.js'

export const releasedOnce: ContractPromise = {
  name: 'released-once',
  says: 'released settles once for every write, after sent, and never rejects',
  cases: [
    {
      name: 'for many writes at once',
      run: async (trial) => {
        const { pair, writer, ledger } = await trial.start({ maxInFlight: 8 })
        const bytes = 11_000
        const writes = trial.kind === 'stream' ? 200 : 12
        let releases = 0
        for (let index = 0; index < writes; index++) {
          const write = ledger.write(content(bytes), {
            onReleased: () => {
              assert.equal(write.state, 'sent', 'released before sent')
              releases++
            },
          })
        }
        if (trial.kind === 'stream') await pair.peer.read(writes * bytes)
        await ledger.allReleased()
        await quietTurns()
        assert.equal(releases, writes)
        ledger.assertAllSent()
        assert.equal(writer.stats().inFlight, 0)
      },
    },
    {
      name: 'for a burst of small messages, which one notification may cover together',
      run: async (trial) => {
        const { pair, writer, ledger } = await trial.start({ minZerocopyBytes: 1, maxJoinedBytes: 0, maxInFlight: 64 })
        for (let round = 0; round < 4; round++) {
          for (let index = 0; index < 24; index++) ledger.write(content(100, index * 100))
          if (trial.kind === 'stream') assertContent(await pair.peer.read(2_400), 0, 'stream')
          else for (let index = 0; index < 24; index++) assertContent(await pair.peer.readDatagram(), index * 100, 'datagram')
          await ledger.allReleased()
        }
        ledger.assertAllSent()
        assert.equal(writer.stats().inFlight, 0)
      },
    },
    {
      name: 'for a writer that is otherwise idle: nobody has to write again',
      run: async (trial) => {
        const { pair, ledger } = await trial.start()
        for (let round = 0; round < 5; round++) {
          ledger.write(content(30_000))
          if (trial.kind === 'stream') await pair.peer.read(30_000)
          else await pair.peer.readDatagram()
          await ledger.allReleased()
        }
        ledger.assertAllSent()
      },
    },
    {
      name: 'the same memory may be in flight twice',
      run: async (trial) => {
        const { pair, ledger } = await trial.start()
        const buffer = content(16_000)
        for (let count = 0; count < 6; count++) ledger.write(buffer)
        if (trial.kind === 'stream') await pair.peer.read(6 * 16_000)
        await ledger.allReleased()
        ledger.assertAllSent()
      },
    },
    {
      name: 'released can be asked for late, and again',
      run: async (trial) => {
        const { pair, writer } = await trial.start()
        const sent = await writer.write(content(20_000))
        if (trial.kind === 'stream') await pair.peer.read(20_000)
        else await pair.peer.readDatagram()
        const first = await sent.released
        assert.equal(await sent.released, first)
      },
    },
  ],
}
