import assert from 'node:assert/strict'
import { content } from '../content.js'
import type { ContractPromise } from '../contract.js'

/** Large enough for zero-copy by the default threshold, and a datagram everywhere. */
const LARGE_BYTES = 32_768

export const outcome: ContractPromise = {
  name: 'outcome',
  says: "released says what became of the bytes: 'copied' where the kernel copied any of them, 'zerocopy' where it copied none",
  cases: [
    {
      name: 'a large write settles with what this transport does',
      run: async (trial) => {
        const { pair, writer, ledger } = await trial.start()
        for (let count = 0; count < 20; count++) {
          const before = writer.stats()
          const write = ledger.write(content(LARGE_BYTES))
          if (trial.kind === 'stream') await pair.peer.read(LARGE_BYTES)
          else await pair.peer.readDatagram()
          await ledger.allReleased()
          assert.ok(
            write.outcome !== undefined && trial.expectOutcomes.includes(write.outcome),
            `${write.outcome}, expected ${trial.expectOutcomes}`,
          )
          const copied = writer.stats().copiedSends - before.copiedSends
          assert.equal(write.outcome, copied > 0 ? 'copied' : 'zerocopy', `${copied} copied sends`)
        }
      },
    },
    {
      name: 'a write below the threshold was copied, and says so',
      run: async (trial) => {
        const { pair, writer, ledger } = await trial.start({ minZerocopyBytes: 4_096 })
        const write = ledger.write(content(1_000))
        if (trial.kind === 'stream') await pair.peer.read(1_000)
        else await pair.peer.readDatagram()
        await ledger.allReleased()
        assert.equal(write.outcome, 'copied')
        const { copies } = writer.stats()
        assert.equal(copies.threshold + copies.backend, 1)
      },
    },
    {
      name: 'a small header changes nothing for the large write behind it',
      run: async (trial) => {
        const { pair, ledger } = await trial.start()
        for (let count = 0; count < 5; count++) {
          const small = ledger.write(content(64))
          const large = ledger.write(content(LARGE_BYTES, 64))
          if (trial.kind === 'stream') await pair.peer.read(LARGE_BYTES + 64)
          else for (let index = 0; index < 2; index++) await pair.peer.readDatagram()
          await ledger.allReleased()
          assert.equal(small.outcome, 'copied')
          assert.ok(large.outcome !== undefined && trial.expectOutcomes.includes(large.outcome), `${large.outcome}`)
        }
      },
    },
  ],
}
