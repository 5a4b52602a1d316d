import assert from 'node:assert/strict'
import { quietTurns } from '../bounded.js'
import { content } from '../content.js'
import type { DriverPromise } from '../contract.js'
import { fillStalledStream, sendOrdinaryMessage } from './traffic.js'

export const driverCounters: DriverPromise = {
  name: 'driver-counters',
  says: 'the counters tell what was called, what was notified and what is pinned',
  cases: [
    {
      name: 'collect makes no system call while nothing is in flight',
      run: async (trial) => {
        const { pair, session } = await trial.start()
        session.driver.collect()
        assert.equal(session.driver.counters().collectCalls, 0)
        await sendOrdinaryMessage(trial.kind, pair, session)
        const { collectCalls } = session.driver.counters()
        for (let count = 0; count < 10; count++) session.driver.collect()
        assert.equal(session.driver.counters().collectCalls, collectCalls)
      },
    },
    {
      name: 'sends, notifications and ids add up, and nothing stays pinned',
      run: async (trial) => {
        const { pair, session } = await trial.start()
        for (let count = 0; count < 20; count++) await sendOrdinaryMessage(trial.kind, pair, session)
        const counters = session.driver.counters()
        assert.ok(counters.sendCalls >= 1, `sendCalls ${counters.sendCalls}`)
        assert.ok(counters.emptyCollectCalls <= counters.collectCalls)
        assert.ok(counters.notifications <= counters.notifiedIds)
        const shared = session.reports.filter(({ release }) => release !== 0).length
        // Each message is notified once: one id more would release a message whose memory the kernel still reads.
        assert.equal(counters.notifiedIds, shared, 'ids notified, messages shared')
        assert.equal(counters.pinnedBytes, 0)
        session.assertNoViolations()
      },
    },
    {
      name: 'memory in flight is counted as pinned',
      kinds: ['stream'],
      run: async (trial) => {
        const { pair, session } = await trial.start()
        pair.peer.pause()
        await fillStalledStream(pair, session, quietTurns)
        const { pinnedBytes } = session.driver.counters()
        if (session.driver.zerocopy) assert.ok(pinnedBytes > 0, 'nothing pinned while the peer does not read')
        pair.peer.resume()
        await session.settled()
        assert.equal(session.driver.counters().pinnedBytes, 0)
      },
    },
    {
      name: 'a copied message pins nothing once it is released',
      run: async (trial) => {
        const { pair, session } = await trial.start()
        const reports = session.submit([{ segments: [content(512)], zerocopy: false }])
        await session.answered(reports)
        if (trial.kind === 'stream') await pair.peer.read(512)
        else await pair.peer.readDatagram()
        await session.settled()
        assert.equal(session.driver.counters().pinnedBytes, 0)
      },
    },
  ],
}
