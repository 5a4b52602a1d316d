// Bundled by the test: opens a writer over each backend, sends, and prints the results. With SENDZC_TEST_EXHAUST it first takes every descriptor.
import { once } from 'node:events'
import { openSync } from 'node:fs'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { auto, copy, errqueue, openWriter, uring, ZeroCopyError } from '../../src/index.js'

const server = createServer((socket) => socket.on('error', () => undefined).resume()).listen(0, '127.0.0.1')

async function connected(): Promise<Socket> {
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1').on('error', () => undefined)
  await once(socket, 'connect')
  return socket
}

function takeEveryDescriptor(): void {
  try {
    for (;;) openSync('/dev/null', 'r')
  } catch {
    // EMFILE: there is none left.
  }
}

async function main(): Promise<void> {
  await once(server, 'listening')
  const backends = { copy, errqueue, uring, auto }
  const sockets: [keyof typeof backends, Socket][] = []
  for (const name of Object.keys(backends) as (keyof typeof backends)[]) sockets.push([name, await connected()])
  if (process.env.SENDZC_TEST_EXHAUST === '1') takeEveryDescriptor()
  const ends: Record<string, object> = {}
  for (const [name, socket] of sockets) {
    const { available, remedy: probeRemedy } = backends[name]().probe()
    try {
      const writer = await openWriter(socket, { backend: backends[name]() })
      const { released } = await writer.write(new Uint8Array(20_000))
      ends[name] = { outcome: await released, available }
      await writer.close()
    } catch (error) {
      const { code, errno, message, remedy } = error as ZeroCopyError
      ends[name] = { isZeroCopyError: ZeroCopyError.is(error), code, errno, message, remedy, available, probeRemedy }
    }
    socket.destroy()
  }
  process.stdout.write(JSON.stringify(ends), () => process.exit())
}

void main()
