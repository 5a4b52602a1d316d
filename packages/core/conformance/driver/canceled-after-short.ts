import assert from 'node:assert/strict'
import { Errno, Release } from '../../src/driver/driver.js'
import { quietTurns } from '../bounded.js'
import { assertContent, content } from '../content.js'
import type { DriverPromise } from '../contract.js'
import type { MessageReport } from './session.js'

export const canceledAfterShort: DriverPromise = {
  name: 'canceled-after-short',
  says: 'on a stream, what follows a short or failed message of its batch is not attempted: -ECANCELED, and released as never shared',
  cases: [
    {
      name: 'no byte overtakes another when the socket is full',
      kinds: ['stream'],
      run: async (trial) => {
        const { pair, session } = await trial.start(64)
        pair.peer.pause()
        const messageBytes = Math.ceil(pair.stallBytes / 8)
        let position = 0
        let shortAnswers = 0
        for (let round = 0; round < 8 && shortAnswers === 0; round++) {
          const reports = session.submit(
            [0, 1, 2, 3].map((index) => ({ segments: [content(messageBytes, position + index * messageBytes)], zerocopy: true })),
          )
          await quietTurns()
          // A ring may hold its answer until there is room: then there is room.
          if (reports.some(({ result }) => result === undefined)) pair.peer.resume()
          await session.answered(reports)
          position += checkBatch(reports)
          shortAnswers = reports.filter(({ result, bytes }) => (result as number) < bytes).length
        }
        pair.peer.resume()
        assertContent(await pair.peer.read(position), 0, 'stream')
        await session.settled()
        session.assertNoViolations()
        for (const { result, release } of session.reports) if (result === -Errno.ECANCELED) assert.equal(release, Release.None)
      },
    },
  ],
}

/** Checks the answers to one batch; returns the bytes that were taken. */
function checkBatch(reports: readonly MessageReport[]): number {
  let taken = 0
  let stopped = false
  for (const { result, bytes } of reports) {
    assert.ok(result !== undefined)
    if (stopped) {
      assert.equal(result, -Errno.ECANCELED, 'answer behind a short or failed message')
      continue
    }
    assert.ok(result >= 0 || result === -Errno.EAGAIN, `answer ${result}`)
    taken += Math.max(0, result)
    stopped = result < bytes
  }
  return taken
}
