// Goes to a stage of a send and ends there: by process.exit(), or by being terminated where it is a worker.
import { connect } from 'node:net'
import { isMainThread, parentPort, workerData } from 'node:worker_threads'
import { Wake } from '@sendzc/core/driver'
import { descriptorOf } from '../descriptor.js'
import { poisonFreedMemory } from '../memory-pressure.js'
import { MESSAGE_BYTES, StalledStream } from '../stalled-stream.js'

/** Stages of a send. */
export type Stage = 'opened' | 'in flight' | 'armed' | 'within sent' | 'within released' | 'within wake' | 'closed in flight'

/** The task of the child. */
export interface StageTask {
  stage: Stage
  /** A descriptor of this process, for a worker. */
  fd?: number
  /** A port to connect to, for a process of its own. */
  port?: number
}

/** Status of a process that got to its stage. */
export const STAGE_STATUS = 7

const task = (isMainThread ? JSON.parse(process.argv[2] as string) : workerData) as StageTask

async function descriptor(): Promise<number> {
  if (task.fd !== undefined) return task.fd
  const socket = connect(task.port as number, '127.0.0.1')
  await new Promise((resolve) => socket.once('connect', resolve))
  return descriptorOf(socket)
}

function end(): void {
  if (isMainThread) process.exit(STAGE_STATUS)
  parentPort?.postMessage(task.stage)
  // The thread that asked terminates this one here, in the middle of any call.
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)
}

if (isMainThread) process.on('exit', () => poisonFreedMemory(MESSAGE_BYTES))
const stream = new StalledStream(await descriptor())
const { stage } = task
if (stage === 'opened') end()
if (stage === 'within sent') stream.onSent = end
stream.fill()
stream.buffers.fill(undefined)
poisonFreedMemory(MESSAGE_BYTES)
if (stage === 'in flight') end()
if (stage === 'closed in flight') {
  stream.driver.close()
  end()
}
if (stage === 'within wake') stream.onWake = end
if (stage === 'within released') stream.onReleased = end
stream.driver.arm(Wake.Notification | Wake.Writable)
// Not from within the module: the event loop has to turn for the wake-up that the others wait for.
if (stage === 'armed') setImmediate(end)
