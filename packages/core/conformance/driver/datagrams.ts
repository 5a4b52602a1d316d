import assert from 'node:assert/strict'
import { Errno, Release } from '../../src/driver/driver.js'
import { assertContent, content } from '../content.js'
import type { DriverPromise } from '../contract.js'
import type { MessageReport } from './session.js'
import { ORDINARY_MESSAGE_BYTES } from './traffic.js'

export const driverDatagrams: DriverPromise = {
  name: 'driver-datagrams',
  says: 'one message is one datagram, and one that fails hurts no other of its batch',
  cases: [
    {
      name: 'an empty datagram is sent and released, also when it asks for zero-copy',
      kinds: ['datagram'],
      run: async (trial) => {
        const { pair, session } = await trial.start(4)
        for (const zerocopy of [false, true]) {
          const reports = session.submit([{ segments: [], zerocopy }])
          await session.answered(reports)
          assert.equal(reports[0]?.result, 0)
          assert.equal((await pair.peer.readDatagram()).byteLength, 0)
          await session.settled()
        }
        session.assertNoViolations()
      },
    },
    {
      name: 'segments are joined',
      kinds: ['datagram'],
      run: async (trial) => {
        const { pair, session } = await trial.start(4)
        const segmentCount = Math.min(8, session.driver.maxSegmentsPerMessage)
        const segments = Array.from({ length: segmentCount }, (_, index) => content(1_024, index * 1_024))
        const reports = session.submit([{ segments, zerocopy: true }])
        await session.answered(reports)
        assert.equal(reports[0]?.result, segmentCount * 1_024)
        const datagram = await pair.peer.readDatagram()
        assert.equal(datagram.byteLength, segmentCount * 1_024)
        assertContent(datagram, 0, 'datagram')
        await session.settled()
        session.assertNoViolations()
      },
    },
    {
      name: 'one that is too large answers -EMSGSIZE, the others of the batch leave, at the latest when they are tried again',
      kinds: ['datagram'],
      run: async (trial) => {
        const { pair, session } = await trial.start(8)
        const large = (pair.maxDatagramBytes as number) + 1_024
        const sizes = [ORDINARY_MESSAGE_BYTES, large, ORDINARY_MESSAGE_BYTES]
        const reports = session.submit(sizes.map((bytes, index) => ({ segments: [content(bytes, index)], zerocopy: true })))
        await session.answered(reports)
        const [first, second, third] = reports as [MessageReport, MessageReport, MessageReport]
        assert.equal(first.result, ORDINARY_MESSAGE_BYTES)
        assert.equal(second.result, -Errno.EMSGSIZE)
        const [last] = third.result === -Errno.ECANCELED ? session.submit([third]) : [third]
        await session.answered([last as MessageReport])
        assert.equal(last?.result, ORDINARY_MESSAGE_BYTES)
        assertContent(await pair.peer.readDatagram(), 0, 'first datagram')
        assertContent(await pair.peer.readDatagram(), 2, 'third datagram')
        await session.settled()
        assert.notEqual(second.release, Release.Copied)
        session.assertNoViolations()
      },
    },
    {
      name: 'one that holds the rest of its batch and fails: what follows is not attempted; where it is sent, what follows leaves',
      kinds: ['datagram'],
      run: async (trial) => {
        const { pair, session } = await trial.start(8)
        // Without envelopes there is no message that holds the rest.
        if (session.driver.addressFamily === undefined) return
        for (const middle of [(pair.maxDatagramBytes as number) + 1_024, 2_000]) {
          const reports = session.submit(
            [1_000, middle, 1_001].map((bytes, index) => ({ segments: [content(bytes, index)], zerocopy: false, holdsRest: index === 1 })),
          )
          await session.answered(reports)
          const fails = middle > 2_000
          assert.deepEqual(
            reports.map(({ result }) => result),
            [1_000, fails ? -Errno.EMSGSIZE : middle, fails ? -Errno.ECANCELED : 1_001],
          )
          assertContent(await pair.peer.readDatagram(), 0, 'the datagram before')
          if (fails) continue
          assertContent(await pair.peer.readDatagram(), 1, 'the datagram that holds')
          assertContent(await pair.peer.readDatagram(), 2, 'the datagram behind')
        }
        await session.settled()
        session.assertNoViolations()
      },
    },
  ],
}
