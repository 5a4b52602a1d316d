import assert from 'node:assert/strict'
import { content } from '../content.js'
import type { ContractPromise } from '../contract.js'

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0)
}

export const stats: ContractPromise = {
  name: 'stats',
  says: 'the counters add up',
  cases: [
    {
      name: 'after close, every send is accounted for',
      run: async (trial) => {
        const { pair, writer, ledger } = await trial.start()
        const sizes = Array.from({ length: 60 }, (_, index) => (index % 3 === 0 ? 500 : 11_000 + index))
        for (const bytes of sizes) {
          ledger.write(content(bytes))
          if (trial.kind === 'datagram') {
            await pair.peer.readDatagram()
            await ledger.allSettled()
          }
        }
        if (trial.kind === 'stream') await pair.peer.read(sum(sizes))
        await ledger.allReleased()
        await writer.close()
        const { writes, sends, bytesSent, zerocopySends, copiedSends, copies, releaseLatencyUs, ...now } = writer.stats()
        assert.equal(writes, sizes.length)
        assert.equal(bytesSent, sum(sizes))
        assert.equal(zerocopySends + copiedSends, sends)
        assert.equal(sum(Object.values(copies)), copiedSends)
        const shared = zerocopySends + copies.kernel
        const timed = sum(releaseLatencyUs)
        assert.ok(timed <= shared && timed >= Math.min(1, shared), `${timed} of ${shared} shared messages were timed`)
        assert.deepEqual(
          [now.queuedWrites, now.queuedBytes, now.inFlight, now.bytesInFlight, now.abandonedBytes, now.driver.pinnedBytes],
          [0, 0, 0, 0, 0, 0],
        )
        if (trial.kind === 'datagram') assert.equal(sends, sizes.length)
        assert.ok(copies.threshold + copies.backend >= 1, 'no small write was counted as copied')
      },
    },
    {
      name: 'while the peer does not read, what waits is counted, and what is rejected is not',
      kinds: ['stream'],
      run: async (trial) => {
        const { pair, writer, ledger } = await trial.start()
        pair.peer.pause()
        const bytes = Math.ceil(pair.stallBytes / 2)
        for (let index = 0; index < 4; index++) ledger.write(content(bytes, index * bytes))
        const before = writer.stats()
        assert.equal(before.writes, 4)
        assert.equal(before.queuedWrites, 4)
        assert.equal(before.queuedBytes, 4 * bytes)
        pair.peer.resume()
        await pair.peer.read(4 * bytes)
        await ledger.allReleased()
        const after = writer.stats()
        assert.equal(after.queuedBytes, 0)
        assert.equal(after.bytesInFlight, 0)
        assert.equal(after.bytesSent, 4 * bytes)
        assert.equal(after.zerocopySends + after.copiedSends, after.sends)
      },
    },
    {
      name: 'after an aborted stall nothing is counted as queued or in flight',
      kinds: ['stream'],
      run: async (trial) => {
        const { pair, writer, ledger } = await trial.start()
        pair.peer.pause()
        for (let index = 0; index < 4; index++) ledger.write(content(pair.stallBytes))
        await writer.abort()
        await ledger.allReleased()
        const { queuedWrites, queuedBytes, inFlight, bytesInFlight } = writer.stats()
        assert.deepEqual([queuedWrites, queuedBytes, inFlight, bytesInFlight], [0, 0, 0, 0])
      },
    },
  ],
}
