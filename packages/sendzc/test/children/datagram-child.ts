// Sends datagrams with options over a loopback device with an MTU of 1,500, with each backend, and prints what became of them.
import { spawn } from 'node:child_process'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { type Backend, copy, destination, errqueue, openWriter, uring, ZeroCopyError } from '../../src/index.js'

/** What became of the writes of one backend. */
export interface DatagramEnd {
  backend: string
  /** Codes of the writes, in their order; `sent` where one was sent. */
  ends: string[]
  /** Length and TOS byte of each datagram that arrived, in order. */
  arrived: string[]
  pinnedBytes: number
}

/** The last datagram of a backend: nothing comes behind it. */
const LAST_BYTES = 77

async function run(backend: Backend, minZerocopyBytes: number): Promise<DatagramEnd> {
  const receiver = spawn('python3', [fileURLToPath(new URL('./ecn_receiver.py', import.meta.url))], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const lines = createInterface({ input: receiver.stdout })[Symbol.asyncIterator]()
  const line = async (): Promise<string> => String((await lines.next()).value)
  const socket = createSocket('udp4')
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  const writer = await openWriter(socket, { backend, minZerocopyBytes })
  const to = destination({ address: '127.0.0.1', port: Number(await line()) })
  const write = (bytes: number, options: object): Promise<string> =>
    writer.write(new Uint8Array(bytes), { to, ...options }).then(
      async ({ released }) => ((await released) === 'abandoned' ? 'abandoned' : 'sent'),
      (error: unknown) => (ZeroCopyError.is(error) ? error.code : String(error)),
    )
  const writes = [
    write(1_472, { ecn: 1 }),
    write(3_000, { segmentBytes: 1_473 }),
    write(2_944, { segmentBytes: 1_472, ecn: 2 }),
    write(1_400, { segmentBytes: 1_473, ecn: 3 }),
    write(500, { source: '192.0.2.1' }),
    write(400, { ecn: 0 }),
    write(3_000, { segmentBytes: 2_000 }),
    // Above the MTU: joined they can't be sent, and each alone is fragmented.
    ...[0, 1, 2].map(() => write(1_600, {})),
    ...[0, 1, 2].map(() => write(100, {})),
    write(LAST_BYTES, {}),
  ]
  const ends = await Promise.all(writes)
  const arrived: string[] = []
  do arrived.push(await line())
  while (!arrived.at(-1)?.startsWith(`${LAST_BYTES} `))
  const { pinnedBytes } = writer.stats().driver
  await writer.close()
  socket.close()
  receiver.kill()
  return { backend: backend.name, ends, arrived, pinnedBytes }
}

const reports: DatagramEnd[] = []
for (const backend of [copy(), errqueue(), uring()]) {
  for (const minZerocopyBytes of [0, 100_000]) reports.push(await run(backend, minZerocopyBytes))
}
process.stdout.write(JSON.stringify(reports))
