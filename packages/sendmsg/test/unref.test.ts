import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { expect, it } from 'vitest'
import { runChild } from './children/child.js'
import type { UnrefTask } from './children/unref-child.js'

const CHILD_TEST_MS = 60_000

async function endOf(before: UnrefTask['before'], after: UnrefTask['after']): Promise<unknown> {
  const server = createServer({ pauseOnConnect: true }, (socket) => socket.on('error', () => undefined))
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const { port } = server.address() as AddressInfo
  const { stdout, stderr } = await runChild('./unref-child.ts', { port, before, after } satisfies UnrefTask)
  expect(stderr).toBe('')
  server.close()
  return JSON.parse(stdout)
}

/** With memory in flight that the peer does not let go. */
it.each([
  ['stayed', [], []],
  ['ended', ['unref'], []],
  ['ended', [], ['unref']],
  ['ended', ['unref', 'unref'], []],
  ['stayed', ['unref'], ['ref']],
  ['stayed', ['unref', 'unref', 'ref'], ['ref']],
] as const)(
  'a process has %s: %j, armed, %j',
  async (end, before, after) => {
    expect(await endOf(before, after)).toBe(end)
  },
  CHILD_TEST_MS,
)
