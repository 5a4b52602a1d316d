import assert from 'node:assert/strict'
import { assertContent, content } from '../content.js'
import type { ContractPromise } from '../contract.js'
import { rejection, WriteLedger } from '../write-ledger.js'

export const dispose: ContractPromise = {
  name: 'dispose',
  says: 'await using closes the writer at the end of its block',
  cases: [
    {
      name: 'everything is sent and released when the block is left',
      run: async (trial) => {
        const pair = await trial.pair()
        const opened = await trial.writer(pair)
        const ledger = new WriteLedger(opened)
        let reading: Promise<Uint8Array>
        {
          await using writer = opened
          ledger.write(content(30_000))
          reading = trial.kind === 'stream' ? pair.peer.read(30_000) : pair.peer.readDatagram()
          assert.equal(writer.stats().writes, 1)
        }
        assert.equal(ledger.count('sent'), 1)
        assertContent(await reading, 0, 'what arrived')
        await ledger.allReleased()
        ledger.assertAllSent()
        await rejection(opened.write(content(1)), 'ERR_ZC_CLOSED', 'write after the block')
      },
    },
  ],
}
