import { type Backend, openWriter } from '@sendzc/core'
import { assertLoopRested, countLoopTurns, fillConnection, RESTING_TURNS, SlowlyReadSocket, turnsWhileWatched } from '@sendzc/core/fixtures'
import { describe, expect, it } from 'vitest'
import { copy, errqueue } from '../src/index.js'

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
      assertLoopRested(await countLoopTurns(backend()))
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
