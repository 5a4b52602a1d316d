import { expect, it } from 'vitest'
import { openWriter } from '../src/open/open-writer.js'
import { memory } from '../src/testing/memory-backend.js'

it.each([
  ['stream', /The peer took less/u, /why the peer does not read/u],
  ['datagram', /The device did not let go/u, /larger than the MTU until another packet flows/u],
] as const)('closing a %s that outlasts its bound says what can be the cause there', async (kind, message, remedy) => {
  const backend = memory({ kind })
  const socket = backend.openSocket()
  const writer = await openWriter({ fd: socket.fd }, { backend, minZerocopyBytes: 1, drainTimeoutMs: 20, abortGraceMs: 20 })
  socket.withholdNotifications = true
  await writer.write(new Uint8Array(2_000))
  await expect(writer.close()).rejects.toMatchObject({
    code: 'ERR_ZC_DRAIN_TIMEOUT',
    message: expect.stringMatching(message),
    remedy: expect.stringMatching(remedy),
  })
})
