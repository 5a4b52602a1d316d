import assert from 'node:assert/strict'
import { Release } from '../../src/driver/driver.js'
import { quietTurns } from '../bounded.js'
import { assertContent, content } from '../content.js'
import type { DriverPromise } from '../contract.js'
import { ORDINARY_MESSAGE_BYTES, sendOrdinaryMessage } from './traffic.js'

const MESSAGES = 200
/** Together more segments than any driver with a small table keeps pinned, several times over. */
const SEGMENTED_MESSAGES = 200
/** Few enough for the page fragments of one zero-copy datagram. */
const SEGMENTS = 8
const SEGMENT_BYTES = 256

export const oneSentOneReleased: DriverPromise = {
  name: 'one-sent-one-released',
  says: 'each submitted token gets exactly one sent and then exactly one released',
  cases: [
    {
      name: 'while the socket keeps up',
      run: async (trial) => {
        const { pair, session } = await trial.start(8)
        for (let count = 0; count < MESSAGES; count++) await sendOrdinaryMessage(trial.kind, pair, session)
        await quietTurns()
        session.assertNoViolations()
        assert.equal(session.reports.length, MESSAGES)
        assert.equal(session.inFlight, 0)
        for (const { result, release } of session.reports) {
          assert.equal(result, ORDINARY_MESSAGE_BYTES)
          assert.ok(release !== undefined)
          if (!session.driver.zerocopy) assert.equal(release, Release.None)
        }
      },
    },
    {
      name: 'while the peer stops and goes on',
      kinds: ['stream'],
      run: async (trial) => {
        const { pair, session } = await trial.start(16)
        pair.peer.pause()
        const sizes = Array.from({ length: 64 }, (_, index) => Math.ceil(pair.stallBytes / 32) + index * 331)
        const total = sizes.reduce((sum, bytes) => sum + bytes, 0)
        const sending = session.sendStream(0, sizes)
        sending.catch(() => undefined)
        await quietTurns()
        pair.peer.resume()
        assertContent(await pair.peer.read(total), 0, 'stream')
        await sending
        await session.settled()
        await quietTurns()
        session.assertNoViolations()
        assert.equal(session.inFlight, 0)
      },
    },
    {
      name: 'for bursts of small messages, which one notification may cover together',
      run: async (trial) => {
        const { pair, session } = await trial.start(16)
        for (let round = 0; round < 8; round++) {
          const pieces = Array.from({ length: 12 }, (_, index) => content(100, index * 100))
          if (trial.kind === 'stream') {
            await session.sendStream(
              0,
              pieces.map(({ byteLength }) => byteLength),
              12,
            )
            assertContent(await pair.peer.read(1_200), 0, 'stream')
          } else {
            await session.sendDatagrams(pieces)
            for (const [index] of pieces.entries()) assertContent(await pair.peer.readDatagram(), index * 100, 'datagram')
          }
          await session.settled()
        }
        session.assertNoViolations()
        assert.equal(session.inFlight, 0)
      },
    },
    {
      name: 'for more segments than a driver has room for at a time',
      run: async (trial) => {
        const { pair, session } = await trial.start(8)
        for (let count = 0; count < SEGMENTED_MESSAGES; count++) {
          const segments = Array.from({ length: SEGMENTS }, (_, index) => content(SEGMENT_BYTES, index * SEGMENT_BYTES))
          const reports = session.submit([{ segments, zerocopy: true }])
          await session.answered(reports)
          assert.equal(reports[0]?.result, SEGMENTS * SEGMENT_BYTES)
          if (trial.kind === 'stream') await pair.peer.read(SEGMENTS * SEGMENT_BYTES)
          else await pair.peer.readDatagram()
          await session.settled()
        }
        session.assertNoViolations()
      },
    },
    {
      name: 'for messages that ask for zero-copy and messages that do not',
      run: async (trial) => {
        const { pair, session } = await trial.start(8)
        for (let count = 0; count < 32; count++) {
          const bytes = 2_048
          const reports = session.submit([
            { segments: [content(bytes)], zerocopy: count % 2 === 0 },
            { segments: [content(bytes, bytes)], zerocopy: count % 3 === 0 },
          ])
          await session.answered(reports)
          if (trial.kind === 'stream') assertContent(await pair.peer.read(2 * bytes), 0, 'stream')
          else for (let index = 0; index < 2; index++) await pair.peer.readDatagram()
          await session.settled()
          for (const { zerocopy, release } of reports) if (!zerocopy) assert.equal(release, Release.None)
        }
        session.assertNoViolations()
      },
    },
  ],
}
