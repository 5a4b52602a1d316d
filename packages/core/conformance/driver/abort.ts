import assert from 'node:assert/strict'
import { bounded, quietTurns } from '../bounded.js'
import type { DriverPromise } from '../contract.js'
import { fillStalledStream } from './traffic.js'

export const driverAbort: DriverPromise = {
  name: 'driver-abort',
  says: 'abort makes the kernel let go: every message in flight gets its sent and its released',
  cases: [
    {
      name: 'a stalled stream is reset and everything is released',
      kinds: ['stream'],
      run: async (trial) => {
        const { pair, session } = await trial.start()
        pair.peer.pause()
        await fillStalledStream(pair, session, quietTurns)
        session.driver.abort()
        await session.settled()
        pair.peer.resume()
        await bounded(pair.peer.ended, 'end of the connection at the peer')
        session.assertNoViolations()
        for (const { result, release } of session.reports) assert.ok(result !== undefined && release !== undefined)
        session.closed = true
        assert.equal(session.driver.close(), 0, 'bytes left pinned')
      },
    },
    {
      name: 'with nothing in flight it is harmless, and so is a second one',
      run: async (trial) => {
        const { session } = await trial.start()
        session.driver.abort()
        session.driver.abort()
        await quietTurns()
        session.assertNoViolations()
        session.closed = true
        assert.equal(session.driver.close(), 0)
      },
    },
  ],
}
