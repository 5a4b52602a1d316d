import assert from 'node:assert/strict'
import { Wake } from '../../src/driver/driver.js'
import { quietTurns, until } from '../bounded.js'
import { content } from '../content.js'
import type { DriverPromise } from '../contract.js'
import { fillStalledStream, ORDINARY_MESSAGE_BYTES, sendOrdinaryMessage } from './traffic.js'

export const armAndDisarm: DriverPromise = {
  name: 'arm-and-disarm',
  says: 'one wake-up for each armed bit, from the event loop, and none for a bit that was withdrawn',
  cases: [
    {
      name: 'a writable socket wakes once, and not from within arm',
      run: async (trial) => {
        const { session } = await trial.start()
        session.arm(Wake.Writable)
        session.arm(Wake.Writable)
        assert.deepEqual(session.wakes, [], 'woken from within arm')
        await until(() => session.wakes.length > 0, 'wake(Writable)')
        await quietTurns()
        assert.deepEqual(session.wakes, [Wake.Writable])
        session.arm(Wake.Writable)
        await until(() => session.wakes.length > 1, 'the second wake(Writable)')
        session.assertNoViolations()
      },
    },
    {
      name: 'a withdrawn bit does not wake',
      run: async (trial) => {
        const { pair, session } = await trial.start()
        session.arm(Wake.Writable | Wake.Notification)
        session.disarm(Wake.Writable | Wake.Notification)
        await quietTurns()
        assert.deepEqual(session.wakes, [])
        await sendOrdinaryMessage(trial.kind, pair, session)
        session.assertNoViolations()
      },
    },
    {
      name: 'a bit that has not fired stays armed when the other one does',
      run: async (trial) => {
        const { pair, session } = await trial.start()
        session.arm(Wake.Writable | Wake.Notification)
        await until(() => session.wakes.length > 0, 'wake(Writable)')
        assert.deepEqual(session.wakes, [Wake.Writable])
        const reports = session.submit([{ segments: [content(ORDINARY_MESSAGE_BYTES)], zerocopy: true }])
        // Where a send brings its own notification there is nothing to wait for.
        const waits = session.inFlight > 0
        await session.answered(reports)
        if (trial.kind === 'stream') await pair.peer.read(ORDINARY_MESSAGE_BYTES)
        else await pair.peer.readDatagram()
        if (waits) {
          await until(() => session.wakes.length > 1, 'wake(Notification), armed once')
          await quietTurns()
          assert.deepEqual(session.wakes, [Wake.Writable, Wake.Notification])
        }
        await session.settled()
        session.assertNoViolations()
      },
    },
    {
      name: 'a stalled socket wakes when its peer reads again',
      kinds: ['stream'],
      run: async (trial) => {
        const { pair, session } = await trial.start()
        pair.peer.pause()
        await fillStalledStream(pair, session, quietTurns)
        const stalled = session.reports.filter(({ result }) => result !== undefined)
        session.arm(Wake.Writable)
        await quietTurns()
        assert.ok(!session.wakes.some((bits) => (bits & Wake.Writable) !== 0), 'woken while the peer does not read')
        pair.peer.resume()
        await until(() => session.wakes.some((bits) => (bits & Wake.Writable) !== 0), 'wake(Writable)')
        await session.answered(stalled)
        await session.settled()
        session.assertNoViolations()
      },
    },
  ],
}
