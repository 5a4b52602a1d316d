// Sends to a peer that does not read, over a socket that is unref'd, and prints whether the process went on until the release.
import { once } from 'node:events'
import { connect } from 'node:net'
import { Wake } from '@sendzc/core/driver'
import { DriverSession } from '@sendzc/core/fixtures'
import { uring } from '../../src/index.js'

/** How long, in ms, the driver alone has to keep the event loop until a second connection tells the peer so. */
const GOES_ON_MS = 300

const { port, refAgain } = JSON.parse(process.argv[2] as string) as { port: number; refAgain: boolean }
const socket = connect(port, '127.0.0.1')
await once(socket, 'connect')
socket.on('error', () => undefined)
socket.unref()
const session = new DriverSession(uring({ entries: 64 }), (socket as unknown as { _handle: { fd: number } })._handle.fd, 4)
session.submit([{ segments: [new Uint8Array(300_000)], zerocopy: true }])
session.arm(Wake.Notification)
session.driver.unref?.()
if (refAgain) session.driver.ref?.()
// An unref'd timer fires where something else keeps the event loop.
if (refAgain) setTimeout(() => connect(port, '127.0.0.1').unref(), GOES_ON_MS).unref()
process.on('exit', () => process.stdout.write(JSON.stringify({ inFlight: session.inFlight })))
