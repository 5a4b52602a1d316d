import assert from 'node:assert/strict'
import { Wake } from '../../src/driver/driver.js'
import { quietTurns, until } from '../bounded.js'
import { assertContent, content, pressGarbageCollector } from '../content.js'
import type { DriverPromise } from '../contract.js'
import { fillStalledStream, ORDINARY_MESSAGE_BYTES, sendOrdinaryMessage } from './traffic.js'

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
    {
      name: 'closed: every method is inert, also where a driver that was opened later has its place',
      run: async (trial) => {
        const pair = await trial.pair()
        const old = trial.session(pair, 4)
        old.arm(Wake.Writable | Wake.Notification)
        old.closed = true
        old.driver.close()
        const { pair: laterPair, session: later } = await trial.start()
        later.arm(Wake.Writable)
        old.driver.disarm(Wake.Writable | Wake.Notification)
        old.driver.arm(Wake.Writable)
        old.driver.collect()
        old.driver.flush()
        old.driver.abort()
        assert.equal(old.driver.close(), 0)
        await until(() => later.wakes.length > 0, 'wake(Writable) of the driver that is open')
        await sendOrdinaryMessage(trial.kind, laterPair, later)
        await quietTurns()
        later.assertNoViolations()
        old.assertNoViolations()
        // The connection of the closed driver was not aborted either.
        await sendOrdinaryMessage(trial.kind, pair, trial.session(pair, 4))
      },
    },
    {
      name: 'from within its sink: no event follows',
      run: async (trial) => {
        const { session } = await trial.start(8)
        let events = 0
        session.onReleased = () => {
          events++
          session.closed = true
          session.driver.disarm(Wake.Writable | Wake.Notification)
          session.driver.close()
        }
        session.submit([0, 1, 2, 3].map((index) => ({ segments: [content(ORDINARY_MESSAGE_BYTES, index)], zerocopy: true })))
        await session.settled(3)
        await quietTurns()
        assert.equal(events, 1, 'releases')
        session.assertNoViolations()
      },
    },
  ],
}
