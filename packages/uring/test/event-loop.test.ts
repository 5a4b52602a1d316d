import { assertLoopRested, countLoopTurns, RESTING_TURNS } from '@sendzc/core/fixtures'
import { expect, it } from 'vitest'
import { type UringOptions, uring } from '../src/index.js'
import { parsed, runChild } from './children/child.js'
import type { FullSocketReport } from './children/full-socket-child.js'

const TEST_MS = 60_000

const options: Record<string, UringOptions> = {
  'the newest setup flags': {},
}

it.each(Object.entries(options))(
  '%s: the event loop rests while a writer waits beside a net.Socket, and after',
  async (_name, given) => {
    assertLoopRested(await countLoopTurns(uring(given)))
  },
  TEST_MS,
)

it(
  'rests while a copy waits for room in a socket whose error queue nobody reads, and goes on when there is room',
  async () => {
    const python = ['python3', new URL('./children/inherited_socket.py', import.meta.url).pathname]
    const report = parsed<FullSocketReport>(await runChild('./full-socket-child.ts', { blocking: false, notified: true }, python))
    expect(report.queuedBytes).toBeGreaterThan(0)
    expect(report.turns).toBeLessThan(RESTING_TURNS)
    expect(report.mismatch).toBe(-1)
  },
  TEST_MS,
)
