import assert from 'node:assert/strict'
import { Wake } from '../../src/driver/driver.js'
import { quietTurns } from '../bounded.js'
import { assertContent, pressGarbageCollector } from '../content.js'
import type { DriverPromise } from '../contract.js'
import { fillStalledStream, sendOrdinaryMessage } from './traffic.js'

export const driverClose: DriverPromise = {
  name: 'driver-close',
  says: 'close ends all events and leaves memory that is still in flight pinned, never freed',
  cases: [
    {
      name: 'idle: nothing is left pinned, and a second close is the same',
      run: async (trial) => {
        const { pair, session } = await trial.start()
        await sendOrdinaryMessage(trial.kind, pair, session)
        session.closed = true
        assert.equal(session.driver.close(), 0)
        assert.equal(session.driver.close(), 0)
        await quietTurns()
        session.assertNoViolations()
      },
    },
    {
      name: 'armed: no wake-up follows',
      run: async (trial) => {
        const { session } = await trial.start()
        session.arm(Wake.Writable)
        session.closed = true
        session.driver.close()
        await quietTurns()
        session.assertNoViolations()
      },
    },
    {
      name: 'in flight: it says how much stays pinned, and the bytes arrive whole',
      kinds: ['stream'],
      run: async (trial) => {
        const { pair, session } = await trial.start()
        pair.peer.pause()
        await fillStalledStream(pair, session, quietTurns)
        const answered = session.reports.reduce((sum, { result }) => sum + Math.max(0, result ?? 0), 0)
        session.forgetMemory()
        const { pinnedBytes } = session.driver.counters()
        session.closed = true
        const left = session.driver.close()
        if (session.driver.zerocopy) assert.ok(left > 0, 'nothing left pinned while the kernel still reads it')
        assert.equal(left, pinnedBytes)
        assert.equal(session.driver.close(), left)
        pressGarbageCollector()
        await quietTurns()
        pair.peer.resume()
        assertContent(await pair.peer.read(answered), 0, 'stream')
        await quietTurns()
        session.assertNoViolations()
      },
    },
  ],
}
