import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { openWriter } from '@sendzc/core'
import { bounded } from '@sendzc/core/fixtures'
import { afterEach, expect, it } from 'vitest'
import { errqueue } from '../src/index.js'

const ROUNDS = 50
const BYTES = 20_000
const sockets: Socket[] = []

afterEach(async () => {
  for (const socket of sockets.splice(0)) {
    const closed = once(socket, 'close')
    socket.close()
    await closed
  }
})

async function boundSocket(): Promise<Socket> {
  const socket = createSocket('udp4')
  sockets.push(socket)
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  return socket
}

/** Since libuv 1.52 the event loop reads the error queue of a socket that it receives from. */
it.each(['recvmsg', 'recvmmsg'] as const)(
  'a dgram.Socket goes on receiving beside a writer, and takes no notification from it: %s',
  async (collect) => {
    const [socket, peer] = [await boundSocket(), await boundSocket()]
    socket.connect(peer.address().port, '127.0.0.1')
    peer.connect(socket.address().port, '127.0.0.1')
    await Promise.all([once(socket, 'connect'), once(peer, 'connect')])
    let answers = 0
    peer.on('message', (message) => peer.send(`${message.byteLength}`))
    socket.on('message', (message) => {
      expect(message.toString()).toBe(`${BYTES}`)
      answers++
    })
    const writer = await openWriter(socket, { backend: errqueue({ collect }) })
    for (let round = 0; round < ROUNDS; round++) {
      const answer = once(socket, 'message')
      const { released } = await writer.write(new Uint8Array(BYTES))
      expect(await bounded(released, `release ${round}`)).toBe('copied')
      await bounded(answer, `answer ${round}`)
    }
    expect(answers).toBe(ROUNDS)
    expect(writer.stats()).toMatchObject({ inFlight: 0, abandonedBytes: 0 })
    await writer.close()
    const last = once(socket, 'message')
    socket.send(new Uint8Array(BYTES))
    await bounded(last, 'answer after the writer is closed')
  },
)
