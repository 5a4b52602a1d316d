// Leaves a driver armed, with memory in flight at a peer that does not read, and lets the event loop end where it can.
import { connect } from 'node:net'
import { Wake } from '@sendzc/core/driver'
import { descriptorOf } from '../descriptor.js'
import { StalledStream } from '../stalled-stream.js'

/** The task of the child. */
export interface UnrefTask {
  /** A peer that does not read. */
  port: number
  /** Called before the driver is armed, and after it. */
  before: readonly ('ref' | 'unref')[]
  after: readonly ('ref' | 'unref')[]
}

/** After this long the child has not ended by itself. */
const STAYED_MS = 700

const task = JSON.parse(process.argv[2] as string) as UnrefTask
const socket = connect(task.port, '127.0.0.1')
await new Promise((resolve) => socket.once('connect', resolve))
const stream = new StalledStream(descriptorOf(socket))
// The bytes that the peer's kernel has taken are released; the writer waits for the rest.
stream.onWake = () =>
  queueMicrotask(() => {
    stream.driver.collect()
    stream.driver.arm(Wake.Notification)
  })
stream.fill()
for (const method of task.before) stream.driver[method]?.()
stream.driver.arm(Wake.Notification)
for (const method of task.after) stream.driver[method]?.()
socket.unref()
process.on('exit', () => process.stdout.write(JSON.stringify('ended')))
setTimeout(() => {
  process.stdout.write(JSON.stringify('stayed'))
  process.kill(process.pid, 'SIGKILL')
}, STAYED_MS).unref()
