import assert from 'node:assert/strict'
import { quietTurns } from '../bounded.js'
import { assertContent, content } from '../content.js'
import type { ContractPromise } from '../contract.js'

const MAX_IN_FLIGHT = 4

export const backpressure: ContractPromise = {
  name: 'backpressure',
  says: 'a full table makes writes wait, and a full queue rejects them; nothing grows',
  cases: [
    {
      name: 'more writes than messages in flight, while the peer does not read',
      kinds: ['stream'],
      run: async (trial) => {
        const { pair, writer, ledger } = await trial.start({ maxInFlight: MAX_IN_FLIGHT, maxJoinedBytes: 0 })
        pair.peer.pause()
        const pieces = 64
        const bytes = Math.ceil(pair.stallBytes / pieces) + 11_000
        let most = 0
        const sample = (): void => {
          most = Math.max(most, writer.stats().inFlight)
        }
        for (let index = 0; index < pieces; index++) {
          const write = ledger.write(content(bytes, index * bytes), { onReleased: sample })
          void write.settled.then(sample)
        }
        await quietTurns()
        sample()
        assert.ok(ledger.count('pending') > 0, 'every write was sent to a peer that does not read')
        assert.equal(writer.stats().queuedWrites > 0, true)
        pair.peer.resume()
        assertContent(await pair.peer.read(pieces * bytes), 0, 'stream')
        await ledger.allReleased()
        ledger.assertAllSent()
        assert.ok(most <= MAX_IN_FLIGHT, `${most} messages in flight, maxInFlight ${MAX_IN_FLIGHT}`)
        assert.equal(writer.stats().queuedBytes, 0)
      },
    },
    {
      name: 'a table of one',
      run: async (trial) => {
        const { pair, writer, ledger } = await trial.start({ maxInFlight: 1 })
        const writes = 12
        for (let index = 0; index < writes; index++) ledger.write(content(11_000, index))
        if (trial.kind === 'stream') await pair.peer.read(writes * 11_000)
        await ledger.allReleased()
        ledger.assertAllSent()
        assert.equal(writer.stats().inFlight, 0)
      },
    },
    {
      name: 'a full queue rejects with ERR_ZC_QUEUE_FULL, and what was accepted is sent',
      kinds: ['stream'],
      run: async (trial) => {
        const { pair, writer, ledger } = await trial.start({ maxQueuedWrites: 8, maxInFlight: MAX_IN_FLIGHT })
        pair.peer.pause()
        const bytes = Math.ceil(pair.stallBytes / 16)
        for (let index = 0; index < 64; index++) {
          ledger.write(content(bytes))
          assert.ok(writer.stats().queuedWrites <= 8, 'the queue grew beyond its limit')
          await quietTurns()
        }
        const rejected = ledger.writes.filter(({ state }) => state === 'failed')
        assert.ok(rejected.length > 0, 'no write was rejected')
        for (const { error } of rejected) assert.equal(error?.code, 'ERR_ZC_QUEUE_FULL')
        const accepted = ledger.writes.length - rejected.length
        pair.peer.resume()
        for (let index = 0; index < accepted; index++) assertContent(await pair.peer.read(bytes), 0, `accepted write ${index}`)
        await ledger.allReleased()
        assert.equal(ledger.count('sent'), accepted)
      },
    },
  ],
}
