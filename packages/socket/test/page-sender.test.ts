import { afterEach, describe, expect, test } from 'vitest'
import { fillPattern, type OpenSocket, openSocket, PageSender, type Receiver, startReceiver } from '../src/index.js'

const SEED = 4_711
const opened: { receiver?: Receiver; socket?: OpenSocket; sender?: PageSender } = {}
afterEach(async () => {
  opened.sender?.close()
  opened.socket?.close()
  await opened.receiver?.[Symbol.asyncDispose]()
})

/** A sender by `path` to a receiver that compares what arrives with the pattern. */
async function open(path: 'sendfile' | 'splice' | 'vmsplice', messageBytes: number, messages: number) {
  const receiver = await startReceiver({ protocol: 'tcp', family: 4, mode: 'verify', seed: SEED })
  const socket = await openSocket({ protocol: 'tcp', family: 4, host: receiver.host, port: receiver.port })
  const content = new Uint8Array(messageBytes * messages)
  fillPattern(content, { seed: SEED })
  const sender = PageSender.open({ fd: socket.fd, path, content, messageBytes })
  // The sender has a copy: later changes of the caller's memory have no effect.
  content.fill(0)
  Object.assign(opened, { receiver, socket, sender })
  return { receiver, socket, sender }
}

describe.each(['sendfile', 'splice', 'vmsplice'] as const)('%s', (path) => {
  test.each([
    [3_000, 200],
    [65_536, 100],
    // More than a pipe holds.
    [3_145_728, 10],
  ])('carries messages of %i bytes unchanged', async (messageBytes, messages) => {
    const { receiver, sender } = await open(path, messageBytes, messages)
    await sender.send(messages)
    const bytes = messageBytes * messages
    const report = await receiver.waitFor({ bytes })
    expect(report).toMatchObject({ bytes, verifyErrors: 0, firstMismatch: null })
    const totals = sender.totals()
    expect(totals).toMatchObject({ messages, bytes })
    expect(totals.calls).toBeGreaterThanOrEqual(path === 'sendfile' ? messages : 2 * messages)
  })

  test('waits for a peer that reads nothing, and goes on in the middle of a message', async () => {
    const { receiver, sender } = await open(path, 1_048_576, 32)
    await receiver.pause()
    const sending = sender.send(32)
    // The socket and the receive buffer are full by the time that the event loop turns.
    await new Promise(setImmediate)
    expect(sender.totals().fullSockets).toBeGreaterThan(0)
    await receiver.resume()
    await sending
    expect(await receiver.waitFor({ bytes: 33_554_432 })).toMatchObject({ verifyErrors: 0 })
  })

  test('is refused by a peer that is gone, and closed once', async () => {
    const { receiver, sender } = await open(path, 65_536, 1)
    await receiver.kill()
    await expect(sender.send(10_000)).rejects.toMatchObject({ errno: expect.stringMatching(/^(EPIPE|ECONNRESET)$/u) })
    sender.close()
    sender.close()
    await expect(sender.send(1)).rejects.toMatchObject({ code: 'ERR_ZC_CLOSED' })
    expect(() => sender.totals()).toThrow(expect.objectContaining({ code: 'ERR_ZC_CLOSED' }))
  })
})

test('content that is not whole messages is refused', () => {
  expect(() => PageSender.open({ fd: 0, path: 'splice', content: new Uint8Array(10), messageBytes: 3 })).toThrow('messageBytes divides')
  expect(() => PageSender.open({ fd: 0, path: 'splice', content: new Uint8Array(0), messageBytes: 3 })).toThrow('content has')
})
