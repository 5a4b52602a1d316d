import assert from 'node:assert/strict'
import { quietTurns } from '../bounded.js'
import { assertContent, content } from '../content.js'
import type { ContractPromise } from '../contract.js'
import { DriverWitness } from '../driver-witness.js'
import { WriteLedger } from '../write-ledger.js'

export const driverCalls: ContractPromise = {
  name: 'driver-calls',
  says: 'the writer gives a driver exactly what it was promised: free tokens in range, full batches only, one unanswered batch on a stream',
  cases: [
    {
      name: 'while the peer stops and goes on',
      kinds: ['stream'],
      run: async (trial) => {
        const witness = new DriverWitness(trial.backend())
        const pair = await trial.pair()
        const writer = await trial.writer(pair, { backend: witness, maxInFlight: 8 })
        const sizes = Array.from({ length: 120 }, (_, index) => (index % 3 === 0 ? 200 : Math.ceil(pair.stallBytes / 60)))
        const total = sizes.reduce((sum, bytes) => sum + bytes, 0)
        pair.peer.pause()
        let position = 0
        const ledger = new WriteLedger(writer)
        for (const bytes of sizes) {
          ledger.write(content(bytes, position))
          position += bytes
        }
        await quietTurns()
        pair.peer.resume()
        assertContent(await pair.peer.read(total), 0, 'stream')
        await ledger.allReleased()
        await writer.close()
        assert.deepEqual(witness.violations, [])
        assert.ok(witness.submits > 0)
        assert.equal(witness.openDrivers, 0, 'the driver was not closed')
      },
    },
    {
      name: 'with datagrams',
      kinds: ['datagram'],
      run: async (trial) => {
        const witness = new DriverWitness(trial.backend())
        const pair = await trial.pair()
        const writer = await trial.writer(pair, { backend: witness, maxInFlight: 4 })
        const ledger = new WriteLedger(writer)
        for (let round = 0; round < 10; round++) {
          for (let index = 0; index < 6; index++) ledger.write(content(2_000 * index, index))
          for (let index = 0; index < 6; index++) await pair.peer.readDatagram()
          await ledger.allReleased()
        }
        await writer.close()
        assert.deepEqual(witness.violations, [])
        assert.equal(witness.openDrivers, 0, 'the driver was not closed')
      },
    },
    {
      name: 'an idle writer leaves nothing armed, so that the event loop can end',
      run: async (trial) => {
        const witness = new DriverWitness(trial.backend())
        const pair = await trial.pair()
        const writer = await trial.writer(pair, { backend: witness })
        const { released } = await writer.write(content(20_000))
        if (trial.kind === 'stream') await pair.peer.read(20_000)
        else await pair.peer.readDatagram()
        await released
        await quietTurns()
        assert.equal(witness.armed, 0)
        await writer.close()
        assert.deepEqual(witness.violations, [])
      },
    },
  ],
}
