import { type Backend, openWriter } from '@sendzc/core'
import { countLoopTurns, fillConnection, SlowlyReadSocket, turnsWhileWatched } from '@sendzc/core/fixtures'
import { describe, expect, it } from 'vitest'
import { copy, errqueue } from '../src/index.js'

/** Turns of a loop that rests: timers of this test and of its runner. A loop that spins makes tens of thousands. */
const RESTING_TURNS = 20
/** A read of the peer makes room and releases: a wake-up for either, and the turns that follow from those. */
const TURNS_PER_READ = 8
const TEST_MS = 60_000

const backends: Record<string, () => Backend> = {
  'errqueue recvmsg': () => errqueue({ collect: 'recvmsg' }),
  'errqueue recvmmsg': () => errqueue(),
  'errqueue with an interval that is never reached': () => errqueue({ interval: 32_768 }),
  copy: () => copy(),
}

describe('a net.Socket beside a writer', () => {
  it.each(Object.entries(backends))(
    '%s: the event loop rests while it waits, and after',
    async (_name, backend) => {
      const { stalled, releasing, peerReads, idle, closed } = await countLoopTurns(backend())
      expect(stalled).toBeLessThan(RESTING_TURNS)
      expect(peerReads).toBeGreaterThan(10)
      expect(releasing).toBeLessThan(TURNS_PER_READ * peerReads + RESTING_TURNS)
      expect(idle).toBeLessThan(RESTING_TURNS)
      expect(closed).toBeLessThan(RESTING_TURNS)
    },
    TEST_MS,
  )

  it(
    'spins where notifications are left on the error queue: this is what the above would see',
    async () => {
      const connection = await SlowlyReadSocket.open()
      const inner = errqueue()
      const deaf: Backend = {
        name: inner.name,
        probe: () => inner.probe(),
        open: (options) => Object.assign(inner.open(options), { arm: () => undefined }),
      }
      const writer = await openWriter(connection.socket, { backend: deaf, abortGraceMs: 10 })
      const released = fillConnection(writer)
      connection.startReading()
      expect(await turnsWhileWatched()).toBeGreaterThan(50 * RESTING_TURNS)
      await writer.abort()
      await Promise.allSettled(released)
      await connection.end()
    },
    TEST_MS,
  )
})
