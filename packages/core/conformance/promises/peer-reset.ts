import assert from 'node:assert/strict'
import { bounded, quietTurns, until } from '../bounded.js'
import { content } from '../content.js'
import type { ContractPromise } from '../contract.js'

export const peerReset: ContractPromise = {
  name: 'peer-reset',
  says: 'a connection that the peer ends fails every write with ERR_ZC_PEER_RESET, each once, and every released settles once',
  cases: [
    {
      name: 'in mid-write, with more behind it',
      kinds: ['stream'],
      run: async (trial) => {
        const { pair, writer, ledger } = await trial.start()
        pair.peer.pause()
        let releases = 0
        const bytes = Math.ceil(pair.stallBytes / 4)
        for (let index = 0; index < 12; index++) ledger.write(content(bytes), { onReleased: () => releases++ })
        await quietTurns()
        pair.peer.reset()
        await ledger.allReleased()
        await quietTurns()
        assert.equal(releases, 12)
        assert.ok(ledger.count('failed') > 0, 'no write failed')
        for (const { state, error, outcome } of ledger.writes) {
          // A socket that closes under the writer may be seen before its error.
          if (state === 'failed') assert.ok(error?.code === 'ERR_ZC_PEER_RESET' || error?.code === 'ERR_ZC_CLOSED', `${error?.code}`)
          assert.notEqual(outcome, 'abandoned')
        }
        assert.equal(writer.stats().inFlight, 0)
        await bounded(writer.close(), 'close of a broken writer')
      },
    },
    {
      name: 'while idle: the next writes fail, and close does not wait',
      kinds: ['stream'],
      run: async (trial) => {
        const { pair, writer, ledger } = await trial.start()
        ledger.write(content(20_000))
        await pair.peer.read(20_000)
        await ledger.allReleased()
        pair.peer.reset()
        await until(() => {
          if (ledger.count('pending') === 0) ledger.write(content(20_000))
          return ledger.count('failed') > 0
        }, 'a write that fails')
        await ledger.allReleased()
        for (const { state, error } of ledger.writes) {
          if (state === 'failed') assert.ok(error?.code === 'ERR_ZC_PEER_RESET' || error?.code === 'ERR_ZC_CLOSED', `${error?.code}`)
        }
        await bounded(writer.close(), 'close of a broken writer')
        assert.equal(writer.stats().inFlight, 0)
      },
    },
    {
      name: 'a failed send may still be notified: released waits for it',
      kinds: ['stream'],
      needsInject: true,
      run: async (trial) => {
        const { pair, writer, ledger } = await trial.start()
        trial.inject(pair, { errno: 104, notifies: true })
        const write = ledger.write(content(20_000))
        await ledger.allReleased()
        assert.equal(write.state, 'failed')
        assert.equal(write.error?.code, 'ERR_ZC_PEER_RESET')
        assert.equal(write.error?.errno, 'ECONNRESET')
        assert.equal(writer.stats().inFlight, 0)
      },
    },
  ],
}
