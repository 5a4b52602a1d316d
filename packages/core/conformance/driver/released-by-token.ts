import assert from 'node:assert/strict'
import { assertContent, content } from '../content.js'
import type { DriverPromise } from '../contract.js'
import { sendManyToSlowDevice, sendThousandsOfDatagrams, sendThousandsToFullSocket } from './thousands-of-messages.js'
import { ORDINARY_MESSAGE_BYTES } from './traffic.js'

export const releasedByToken: DriverPromise = {
  name: 'released-by-token',
  says: 'released(token) comes when the kernel has let go of the memory of that very message',
  cases: [
    {
      name: 'memory that is poisoned at released never reaches the peer',
      kinds: ['stream'],
      run: async (trial) => {
        const { pair, session } = await trial.start(8)
        session.poisonAtRelease()
        const sizes = Array.from({ length: 120 }, (_, index) => 4_096 + ((index * 7_919) % 60_000))
        const sending = session.sendStream(0, sizes)
        sending.catch(() => undefined)
        let position = 0
        for (const [index, bytes] of sizes.entries()) {
          if (index % 16 === 8) pair.peer.pause()
          const reading = pair.peer.read(bytes)
          if (index % 16 === 8) setImmediate(() => pair.peer.resume())
          assertContent(await reading, position, 'stream')
          position += bytes
        }
        await sending
        await session.settled()
        session.assertNoViolations()
      },
    },
    {
      name: 'a datagram that is poisoned at released never reaches the peer',
      kinds: ['datagram'],
      run: async (trial) => {
        const { pair, session } = await trial.start(8)
        session.poisonAtRelease()
        for (let round = 0; round < 40; round++) {
          const positions = [0, 1, 2, 3].map((index) => (round * 4 + index) * 997)
          const sending = session.sendDatagrams(positions.map((position) => content(ORDINARY_MESSAGE_BYTES, position)))
          sending.catch(() => undefined)
          for (const position of positions) assertContent(await pair.peer.readDatagram(), position, 'datagram')
          await sending
          await session.settled()
        }
        session.assertNoViolations()
      },
    },
    {
      name: 'thousands of messages to a socket that is always full: none early, none for another, none twice',
      kinds: ['stream'],
      run: sendThousandsToFullSocket,
    },
    {
      name: 'thousands of datagrams: none early, none for another, none twice',
      kinds: ['datagram'],
      run: sendThousandsOfDatagrams,
    },
    {
      name: 'a thousand datagrams that wait in a slow device: none early, none for another, none twice',
      kinds: ['datagram'],
      needsSlowPair: true,
      run: sendManyToSlowDevice,
    },
    {
      name: 'a second driver on the same socket releases its own messages, not those of the first',
      run: async (trial) => {
        const pair = await trial.pair()
        for (let generation = 0; generation < 3; generation++) {
          const session = trial.session(pair, 4)
          for (let count = 0; count < 3; count++) {
            const reports = session.submit([{ segments: [content(ORDINARY_MESSAGE_BYTES)], zerocopy: true }])
            await session.answered(reports)
            assert.equal(reports[0]?.result, ORDINARY_MESSAGE_BYTES)
            if (trial.kind === 'stream') await pair.peer.read(ORDINARY_MESSAGE_BYTES)
            else await pair.peer.readDatagram()
            await session.settled()
          }
          session.assertNoViolations()
          session.closed = true
          assert.equal(session.driver.close(), 0, 'bytes left pinned')
        }
      },
    },
  ],
}
