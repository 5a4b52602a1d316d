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
  ],
}
