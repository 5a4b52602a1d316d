// Sends a stretch of content over an inherited socket to a peer that reads late, and prints whether it came in order.
import { readFileSync } from 'node:fs'
import { Socket } from 'node:net'
import { bounded, content, DriverSession } from '@sendzc/core/fixtures'
import { uring } from '../../src/index.js'

export interface BlockingReport {
  blocking: boolean
  /** A message was waiting in the kernel while the peer did not read, or was refused. */
  stalled: boolean
  sent: number
  received: number
  /** Where the content first differs; -1: nowhere. */
  mismatch: number
}

const { fd, peer } = JSON.parse(process.argv[2] as string) as { fd: number; peer: number }
const O_NONBLOCK = 0o4000

function isBlocking(descriptor: number): boolean {
  const flags = /^flags:\s+(\d+)/m.exec(readFileSync(`/proc/self/fdinfo/${descriptor}`, 'utf8'))?.[1]
  return (Number.parseInt(flags ?? '0', 8) & O_NONBLOCK) === 0
}

const blocking = isBlocking(fd)
const session = new DriverSession(uring(), fd, 32)
const sizes = Array.from({ length: 48 }, (_, index) => 100_000 + index * 7_919)
const sent = sizes.reduce((sum, bytes) => sum + bytes, 0)
const sending = session.sendStream(0, sizes, 8)
// The kernel holds less than this: by the time the loop has turned, a message waits.
await new Promise((resolve) => setImmediate(resolve))
const stalled = session.inFlight > 0 && session.reports.some(({ result }) => result === undefined || result < 0)
const chunks: Buffer[] = []
const receiver = new Socket({ fd: peer })
let received = 0
const arrived = new Promise<void>((resolve) => {
  receiver.on('data', (chunk: Buffer) => {
    chunks.push(chunk)
    received += chunk.byteLength
    if (received >= sent) resolve()
  })
})
await sending
await bounded(arrived, 'arrival')
await session.settled()
session.assertNoViolations()
session.driver.close()
const bytes = Buffer.concat(chunks)
const expected = content(sent)
const same = Buffer.compare(bytes, expected) === 0
const report: BlockingReport = {
  blocking,
  stalled,
  sent,
  received,
  mismatch: same ? -1 : bytes.findIndex((byte, at) => byte !== expected[at]),
}
process.stdout.write(JSON.stringify(report), () => process.exit(0))
