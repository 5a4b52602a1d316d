import assert from 'node:assert/strict'
import { Errno } from '../../src/driver/driver.js'
import { assertContent, content } from '../content.js'
import type { ContractPromise } from '../contract.js'

const BYTES = 16_384

export const enobufs: ContractPromise = {
  name: 'enobufs',
  says: 'ENOBUFS with sends in flight waits for notifications; with none it copies, counts the copy, and goes on',
  cases: [
    {
      name: 'with sends in flight: they are waited for, nothing is copied',
      kinds: ['stream'],
      needsInject: true,
      run: async (trial) => {
        const { pair, writer, ledger } = await trial.start({ maxJoinedBytes: 0 })
        pair.peer.pause()
        ledger.write(content(BYTES))
        await ledger.allSettled()
        trial.inject(pair, { errno: Errno.ENOBUFS, times: 1, zerocopyOnly: true })
        ledger.write(content(BYTES, BYTES))
        pair.peer.resume()
        assertContent(await pair.peer.read(2 * BYTES), 0, 'stream')
        await ledger.allReleased()
        ledger.assertAllSent()
        assert.equal(writer.stats().copies.limit, 0)
      },
    },
    {
      name: 'with none in flight: the write is copied and counted, and the next one asks again',
      needsInject: true,
      run: async (trial) => {
        const { pair, writer, ledger } = await trial.start()
        const take = async (): Promise<Uint8Array> => (trial.kind === 'stream' ? pair.peer.read(BYTES) : pair.peer.readDatagram())
        trial.inject(pair, { errno: Errno.ENOBUFS, times: 1, zerocopyOnly: true })
        const first = ledger.write(content(BYTES))
        assertContent(await take(), 0, 'the first write')
        await ledger.allReleased()
        assert.equal(first.outcome, 'copied')
        // The kernel can refuse zero-copy only to a backend that asks for it.
        const refusals = writer.stats().copies.backend > 0 ? 0 : 1
        assert.equal(writer.stats().copies.limit, refusals)
        ledger.write(content(BYTES))
        await take()
        await ledger.allReleased()
        ledger.assertAllSent()
        assert.equal(writer.stats().copies.limit, refusals)
      },
    },
    {
      name: 'not even a copy fits: ERR_ZC_NO_BUFFERS, and its memory is released',
      needsInject: true,
      run: async (trial) => {
        const { pair, ledger } = await trial.start()
        trial.inject(pair, { errno: Errno.ENOBUFS, times: 2 })
        const write = ledger.write(content(BYTES))
        await ledger.allReleased()
        assert.equal(write.state, 'failed')
        assert.equal(write.error?.code, 'ERR_ZC_NO_BUFFERS')
        assert.equal(write.error?.errno, 'ENOBUFS')
      },
    },
  ],
}
