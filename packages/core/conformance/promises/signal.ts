import assert from 'node:assert/strict'
import { setMaxListeners } from 'node:events'
import { quietTurns } from '../bounded.js'
import { assertContent, content, POISON } from '../content.js'
import type { ContractPromise } from '../contract.js'
import { rejection } from '../write-ledger.js'

export const signal: ContractPromise = {
  name: 'signal',
  says: 'a signal stops the waiting, never the pin',
  cases: [
    {
      name: 'aborted before the call: nothing is sent',
      run: async (trial) => {
        const { pair, writer, ledger } = await trial.start()
        await rejection(writer.write(content(12_000, 5), { signal: AbortSignal.abort() }), 'ERR_ZC_ABORTED', 'write with an aborted signal')
        ledger.write(content(12_000))
        const received = trial.kind === 'stream' ? await pair.peer.read(12_000) : await pair.peer.readDatagram()
        assertContent(received, 0, 'the write behind it')
        await ledger.allReleased()
        ledger.assertAllSent()
      },
    },
    {
      name: 'aborted while queued: the write leaves the queue',
      kinds: ['stream'],
      run: async (trial) => {
        const { pair, ledger } = await trial.start()
        pair.peer.pause()
        ledger.write(content(pair.stallBytes))
        await quietTurns()
        const controller = new AbortController()
        const doomed = ledger.write(content(20_000, 12_345), { signal: controller.signal })
        const after = ledger.write(content(20_000, pair.stallBytes))
        controller.abort()
        await doomed.released
        assert.equal(doomed.error?.code, 'ERR_ZC_ABORTED')
        pair.peer.resume()
        assertContent(await pair.peer.read(pair.stallBytes + 20_000), 0, 'stream')
        await ledger.allReleased()
        assert.equal(after.state, 'sent')
        await quietTurns()
        assert.equal(pair.peer.unreadBytes, 0, 'bytes of the aborted write arrived')
      },
    },
    {
      name: 'aborted after a part was sent: the promise rejects at once, the stream stays whole, the memory stays pinned',
      kinds: ['stream'],
      run: async (trial) => {
        const { pair, ledger } = await trial.start()
        pair.peer.pause()
        const controller = new AbortController()
        const buffer = content(pair.stallBytes)
        let released = false
        const begun = ledger.write(buffer, {
          signal: controller.signal,
          onReleased: () => {
            released = true
            buffer.fill(POISON)
          },
        })
        await quietTurns()
        controller.abort()
        await begun.settled
        assert.equal(begun.error?.code, 'ERR_ZC_ABORTED')
        assert.ok(begun.error.released !== undefined, 'no released on the error of a write that was begun')
        await quietTurns()
        assert.equal(released, false, 'released while the kernel still reads it')
        const after = ledger.write(content(20_000, pair.stallBytes))
        pair.peer.resume()
        assertContent(await pair.peer.read(pair.stallBytes + 20_000), 0, 'stream')
        await ledger.allReleased()
        assert.equal(released, true)
        assert.equal(after.state, 'sent')
      },
    },
    {
      name: 'aborted when it is too late: nothing changes',
      run: async (trial) => {
        const { pair, ledger } = await trial.start()
        const controller = new AbortController()
        const write = ledger.write(content(20_000), { signal: controller.signal })
        await ledger.allSettled()
        controller.abort()
        if (trial.kind === 'stream') await pair.peer.read(20_000)
        else await pair.peer.readDatagram()
        await ledger.allReleased()
        assert.equal(write.state, 'sent')
        ledger.assertAllSent()
      },
    },
    {
      name: 'one signal for many writes: each settles once, and what arrives is made of whole writes',
      kinds: ['stream'],
      run: async (trial) => {
        const { pair, writer, ledger } = await trial.start()
        pair.peer.pause()
        const controller = new AbortController()
        const bytes = Math.ceil(pair.stallBytes / 8)
        // Sixteen listeners are intended: no warning of a leak.
        setMaxListeners(0, controller.signal)
        for (let index = 0; index < 16; index++) ledger.write(content(bytes), { signal: controller.signal })
        await quietTurns()
        controller.abort()
        await ledger.allSettled()
        assert.ok(ledger.count('failed') > 0)
        for (const { error } of ledger.writes) assert.ok(error === undefined || error.code === 'ERR_ZC_ABORTED')
        pair.peer.resume()
        // Reads while the rest is sent: each piece begins anew at content 0 if every write is whole.
        const closing = writer.close()
        let whole = 0
        while (whole < ledger.count('sent')) {
          assertContent(await pair.peer.read(bytes), 0, `write ${whole}`)
          whole++
        }
        await closing
        await ledger.allReleased()
        const { bytesSent } = writer.stats()
        assert.equal(bytesSent % bytes, 0, 'a part of a write was sent')
        // Bytes to a peer in another process may still be on their way.
        await pair.peer.read(bytesSent - whole * bytes)
        await quietTurns()
        assert.equal(pair.peer.unreadBytes, 0, 'more arrived than was sent')
      },
    },
  ],
}
