// Brings a driver to a stage of a send and then ends its environment there, or says that it is there and waits to be ended.
// Runs as a process of its own, or as a worker.
import { isMainThread, parentPort, workerData } from 'node:worker_threads'
import { type ConnectedPair, tcpPairs } from '@sendzc/core/conformance'
import { type DriverSink, SendBatch, Wake } from '@sendzc/core/driver'
import { content, pressGarbageCollector } from '@sendzc/core/fixtures'
import { uring } from '../../src/index.js'

export type Stage = 'opened' | 'held' | 'stalled' | 'armed' | 'within sent' | 'within released' | 'within wake' | 'closed in flight'

export interface StageTask {
  stage: Stage
  /** A worker is given a socket; a process opens its own. */
  fd?: number
  status?: number
}

const MESSAGE_BYTES = 1_000_000
const task = (isMainThread ? JSON.parse(process.argv[2] as string) : workerData) as StageTask

function reached(): void {
  pressGarbageCollector()
  if (isMainThread) process.exit(task.status)
  parentPort?.postMessage('reached')
  // Busy, so that terminate() comes at exactly this point.
  for (;;) pressGarbageCollector()
}

let pair: ConnectedPair | undefined
if (isMainThread) pair = await tcpPairs('127.0.0.1')()
const { stage } = task
const sink: DriverSink = {
  sent: () => {
    if (stage === 'within sent') reached()
  },
  released: () => {
    if (stage === 'within released') reached()
  },
  wake: () => {
    if (stage === 'within wake') reached()
  },
}
const backend = uring({ entries: 64, fixedBuffers: { count: 2, bytes: 65_536 } })
const fd = (pair?.fd ?? task.fd) as number
const driver = backend.open({ fd, sink, maxInFlight: 32 })
// A second driver, so that submissions are held until the flush.
const other = backend.open({ fd, sink, maxInFlight: 1 })
const batch = new SendBatch(32, 32)
const stalls = stage === 'stalled' || stage === 'armed' || stage === 'closed in flight'
if (stalls) pair?.peer.pause()
if (stage === 'opened') reached()
for (let token = 0; token < (stalls ? 24 : 2); token++) {
  const fixed = token === 0 ? backend.pool?.acquire() : undefined
  batch.addSegment(fixed ?? content(stalls ? MESSAGE_BYTES : 50_000))
  batch.endMessage(token, 1, 1)
}
driver.submit(batch)
batch.clear()
if (stage === 'held') reached()
driver.flush()
if (stage === 'stalled') reached()
driver.arm(stage === 'within wake' ? Wake.Notification | Wake.Writable : Wake.Notification)
if (stage === 'armed') setImmediate(reached)
if (stage === 'closed in flight') {
  other.close()
  driver.close()
  reached()
}
