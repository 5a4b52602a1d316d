import { expect, test } from 'vitest'
import { listen, openSocket, startReceiver } from '../src/index.js'
import { sendAll } from './sending.js'

const VMADDR_CID_LOCAL = 1

/** Whether the host can reach itself (vsock_loopback). The refusal is what the last test looks at. */
async function reachesItself(): Promise<unknown> {
  const listener = await listen({ protocol: 'vsock' })
  try {
    const socket = await openSocket({ protocol: 'vsock', cid: VMADDR_CID_LOCAL, port: listener.port })
    socket.close()
    return true
  } catch (error) {
    return error
  } finally {
    listener.close()
  }
}
const reached = await reachesItself()

test('listens on a port that the kernel chose', async () => {
  const listener = await listen({ protocol: 'vsock' })
  expect(listener.port).toBeGreaterThan(0)
  await expect(listener.accept({ acceptTimeoutMs: 20 })).rejects.toMatchObject({ code: 'ERR_ZC_LIMIT' })
  listener.close()
})

test('a receiver starts, and stops without a connection', async () => {
  const receiver = await startReceiver({ protocol: 'vsock' })
  expect(receiver.port).toBeGreaterThan(0)
  expect(await receiver.stop()).toMatchObject({ bytes: 0, drained: true })
})

test.runIf(reached === true)('discards and counts (needs vsock_loopback)', async () => {
  const receiver = await startReceiver({ protocol: 'vsock' })
  const socket = await openSocket({ protocol: 'vsock', cid: VMADDR_CID_LOCAL, port: receiver.port })
  await sendAll(socket, new Uint8Array(1 << 20))
  expect(await receiver.waitFor({ bytes: 1 << 20 })).toMatchObject({ bytes: 1 << 20 })
  socket.close()
  await receiver.stop()
})

test.runIf(reached !== true)('says that no transport reaches the peer (needs a host without vsock_loopback)', () => {
  expect(reached).toMatchObject({
    code: 'ERR_ZC_UNSUPPORTED_SOCKET',
    syscall: 'connect',
    message: expect.stringContaining('vsock_loopback'),
  })
})
