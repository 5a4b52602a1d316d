import assert from 'node:assert/strict'
import { bounded, quietTurns } from '../bounded.js'
import { content } from '../content.js'
import type { ContractPromise } from '../contract.js'
import { rejection } from '../write-ledger.js'

export const abort: ContractPromise = {
  name: 'abort',
  says: 'abort ends the connection at once: what is queued rejects, everything is released or abandoned',
  cases: [
    {
      name: 'with a stalled peer',
      kinds: ['stream'],
      run: async (trial) => {
        const { pair, writer, ledger } = await trial.start()
        pair.peer.pause()
        let releases = 0
        for (let index = 0; index < 8; index++) ledger.write(content(Math.ceil(pair.stallBytes / 4)), { onReleased: () => releases++ })
        await quietTurns()
        await bounded(writer.abort(new Error('no longer wanted')), 'abort')
        await ledger.allReleased()
        assert.equal(releases, 8)
        assert.ok(ledger.count('failed') > 0)
        for (const { state, error } of ledger.writes) if (state === 'failed') assert.equal(error?.code, 'ERR_ZC_ABORTED')
        assert.equal(writer.stats().queuedWrites, 0)
        await rejection(writer.write(content(1)), ['ERR_ZC_ABORTED', 'ERR_ZC_CLOSED'], 'write after abort')
        pair.peer.resume()
        await bounded(pair.peer.ended, 'end of the connection at the peer')
      },
    },
    {
      name: 'in the turn of the writes, before anything was submitted',
      run: async (trial) => {
        const { writer, ledger } = await trial.start()
        for (let index = 0; index < 4; index++) ledger.write(content(20_000))
        await bounded(writer.abort(), 'abort')
        await ledger.allReleased()
        for (const { state, error } of ledger.writes) if (state === 'failed') assert.equal(error?.code, 'ERR_ZC_ABORTED')
        const { inFlight, queuedWrites } = writer.stats()
        assert.deepEqual([inFlight, queuedWrites], [0, 0])
      },
    },
    {
      name: 'twice, and while idle',
      run: async (trial) => {
        const { writer } = await trial.start()
        await bounded(Promise.all([writer.abort(), writer.abort()]), 'two aborts')
        await bounded(writer.abort(), 'a third abort')
      },
    },
    {
      name: 'while close waits: both settle, and neither waits for the bound of the drain',
      kinds: ['stream'],
      run: async (trial) => {
        const { pair, writer, ledger } = await trial.start()
        pair.peer.pause()
        for (let index = 0; index < 4; index++) ledger.write(content(pair.stallBytes))
        await quietTurns()
        const closing = writer.close().catch(() => undefined)
        await quietTurns()
        await bounded(writer.abort(), 'abort while closing')
        await bounded(closing, 'close that was overtaken by abort')
        await ledger.allReleased()
        assert.equal(ledger.count('pending'), 0)
      },
    },
  ],
}
