import assert from 'node:assert/strict'
import { Socket } from 'node:net'
import { setTimeout } from 'node:timers/promises'
import { bounded, quietTurns } from '../bounded.js'
import { assertContent, content } from '../content.js'
import type { ContractPromise } from '../contract.js'
import { rejection, WriteLedger } from '../write-ledger.js'

export const close: ContractPromise = {
  name: 'close',
  says: 'close sends and releases everything within a stated bound, then lets go of the socket; after the bound it aborts',
  cases: [
    {
      name: 'drains what is queued and in flight',
      kinds: ['stream'],
      run: async (trial) => {
        const { pair, writer, ledger } = await trial.start()
        pair.peer.pause()
        const pieces = 40
        const bytes = Math.ceil(pair.stallBytes / 20)
        for (let index = 0; index < pieces; index++) ledger.write(content(bytes, index * bytes))
        const closing = writer.close()
        let closed = false
        closing.then(
          () => {
            closed = true
          },
          () => undefined,
        )
        await quietTurns()
        assert.equal(closed, false, 'closed with writes in the queue')
        await rejection(writer.write(content(1)), 'ERR_ZC_CLOSED', 'write while closing')
        pair.peer.resume()
        assertContent(await pair.peer.read(pieces * bytes), 0, 'stream')
        await bounded(closing, 'close')
        assert.equal(ledger.count('sent'), pieces)
        await ledger.allReleased()
        ledger.assertAllSent()
      },
    },
    {
      name: 'drains datagrams',
      kinds: ['datagram'],
      run: async (trial) => {
        const { pair, writer, ledger } = await trial.start()
        for (let index = 0; index < 6; index++) ledger.write(content(11_000, index))
        const closing = writer.close()
        for (let index = 0; index < 6; index++) await pair.peer.readDatagram()
        await bounded(closing, 'close')
        await ledger.allReleased()
        ledger.assertAllSent()
      },
    },
    {
      name: 'a second close is the first',
      run: async (trial) => {
        const { writer } = await trial.start()
        await bounded(Promise.all([writer.close(), writer.close()]), 'two closes')
        await bounded(writer.close(), 'a third close')
        await bounded(writer.abort(), 'abort after close')
      },
    },
    {
      name: 'the socket stays open and the caller’s, and takes another writer',
      run: async (trial) => {
        const pair = await trial.pair()
        const take = async (bytes: number): Promise<Uint8Array> =>
          trial.kind === 'stream' ? pair.peer.read(bytes) : pair.peer.readDatagram()
        for (let generation = 0; generation < 3; generation++) {
          const writer = await trial.writer(pair)
          const ledger = new WriteLedger(writer)
          for (let index = 0; index < 3; index++) {
            ledger.write(content(20_000, index))
            assertContent(await take(20_000), index, `writer ${generation}`)
          }
          await ledger.allReleased()
          ledger.assertAllSent()
          await writer.close()
        }
        if (!(pair.target instanceof Socket)) return
        assert.equal(pair.target.destroyed, false)
        pair.target.write(content(5_000))
        assertContent(await take(5_000), 0, 'written by the socket itself')
      },
    },
    {
      name: 'end() of the caller’s net.Socket: the FIN waits for the last byte, also beyond drainTimeoutMs',
      kinds: ['stream'],
      run: async (trial) => {
        const drainTimeoutMs = 20
        const { pair, ledger } = await trial.start({ drainTimeoutMs })
        const { target, peer, stallBytes } = pair
        if (!(target instanceof Socket)) return
        peer.pause()
        ledger.write(content(stallBytes))
        target.end()
        await setTimeout(5 * drainTimeoutMs)
        peer.resume()
        assertContent(await peer.read(stallBytes), 0, 'stream')
        await bounded(peer.ended, 'end of the connection at the peer')
        await ledger.allReleased()
        ledger.assertAllSent()
      },
    },
    {
      name: 'a peer that never reads: ERR_ZC_DRAIN_TIMEOUT, the connection is aborted, every promise settles once',
      kinds: ['stream'],
      run: async (trial) => {
        const { pair, writer, ledger } = await trial.start({ drainTimeoutMs: 150, abortGraceMs: 500 })
        pair.peer.pause()
        let releases = 0
        for (let index = 0; index < 6; index++) ledger.write(content(Math.ceil(pair.stallBytes / 3)), { onReleased: () => releases++ })
        await quietTurns()
        const begunMs = performance.now()
        await rejection(writer.close(), 'ERR_ZC_DRAIN_TIMEOUT', 'close')
        const tookMs = performance.now() - begunMs
        assert.ok(tookMs >= 140, `gave up after ${tookMs} ms, drainTimeoutMs 150`)
        await ledger.allReleased()
        assert.equal(releases, 6)
        assert.ok(ledger.count('failed') > 0)
        for (const { state, error, outcome } of ledger.writes) {
          if (state === 'failed') assert.equal(error?.code, 'ERR_ZC_DRAIN_TIMEOUT')
          // The kernel has no byte of this write, so its memory was never shared, and it has no outcome.
          const isUntouched = state === 'failed' && error?.released === undefined
          assert.ok(isUntouched || outcome === 'abandoned' || outcome === 'zerocopy' || outcome === 'copied')
        }
        const { inFlight, abandonedBytes } = writer.stats()
        const abandoned = ledger.writes.filter(({ outcome }) => outcome === 'abandoned').length
        if (abandoned === 0) assert.deepEqual([inFlight, abandonedBytes], [0, 0])
        pair.peer.resume()
        await bounded(pair.peer.ended, 'end of the connection at the peer')
        await rejection(writer.write(content(1)), ['ERR_ZC_CLOSED', 'ERR_ZC_DRAIN_TIMEOUT', 'ERR_ZC_PEER_RESET'], 'write after close')
      },
    },
  ],
}
