import assert from 'node:assert/strict'
import { quietTurns } from '../bounded.js'
import { content } from '../content.js'
import type { ContractPromise } from '../contract.js'
import { rejection } from '../write-ledger.js'

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
    {
      name: 'a write that the kernel never touched has no released',
      run: async (trial) => {
        const { writer } = await trial.start()
        const signalled = await rejection(
          writer.write(content(LARGE_BYTES), { signal: AbortSignal.abort() }),
          'ERR_ZC_ABORTED',
          'an aborted write',
        )
        assert.equal(signalled.released, undefined)
        await writer.close()
        const late = await rejection(writer.write(content(LARGE_BYTES)), 'ERR_ZC_CLOSED', 'a write after close')
        assert.equal(late.released, undefined)
      },
    },
    {
      name: 'a write that was queued and never submitted has no released',
      kinds: ['stream'],
      run: async (trial) => {
        const { pair, writer, ledger } = await trial.start()
        pair.peer.pause()
        ledger.write(content(pair.stallBytes))
        await quietTurns()
        const failing = rejection(writer.write(content(LARGE_BYTES)), 'ERR_ZC_ABORTED', 'a write behind a stalled one')
        await writer.abort()
        assert.equal((await failing).released, undefined)
        await ledger.allReleased()
      },
    },
    {
      name: 'an empty write on a stream, of which nothing was sent, does not claim zero-copy',
      kinds: ['stream'],
      run: async (trial) => {
        const { ledger } = await trial.start({ minZerocopyBytes: 0 })
        const write = ledger.write(new Uint8Array(0))
        await ledger.allReleased()
        assert.equal(write.outcome, 'copied')
      },
    },
    {
      name: 'a backend that shares nothing never says zerocopy, whatever becomes of the write',
      run: async (trial) => {
        const { pair, writer, ledger } = await trial.start({ minZerocopyBytes: 0 })
        ledger.write(content(LARGE_BYTES))
        await ledger.allReleased()
        // On a backend that shares memory, the kernel never copied the bytes that an aborted connection throws away.
        if (writer.stats().copies.backend === 0) return
        if (trial.kind === 'stream') pair.peer.pause()
        const sizes = trial.kind === 'stream' ? [0, 1, LARGE_BYTES, pair.stallBytes] : [0, 1, LARGE_BYTES]
        for (const bytes of sizes) ledger.write(content(bytes))
        await quietTurns()
        await writer.abort()
        await ledger.allReleased()
        for (const { outcome } of ledger.writes) assert.notEqual(outcome, 'zerocopy')
      },
    },
  ],
}
