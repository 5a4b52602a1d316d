// Terminates a worker whose datagrams wait in the queue of a slow device, and prints the state of their memory. Is the worker as well.
import { isMainThread, parentPort, workerData } from 'node:worker_threads'
import { submitDatagrams, terminateWithDatagramsQueued } from '@sendzc/core/fixtures'
import { uring } from '../../src/index.js'
import { loadNative } from '../../src/native.js'
import { startWorker } from './child.js'

function pins(): { pinnedBytes: number; leakedBytes: number } {
  const values = new Float64Array(2)
  loadNative().processMemory(values)
  return { pinnedBytes: values[0] as number, leakedBytes: values[1] as number }
}

if (isMainThread) {
  const report = await terminateWithDatagramsQueued((fd) => startWorker('./slow-device-child.ts', { fd }), pins)
  process.stdout.write(JSON.stringify(report))
} else {
  const { fd } = workerData as { fd: number }
  const { inFlight } = submitDatagrams(uring({ entries: 64 }), fd)
  parentPort?.postMessage(inFlight)
  // Terminated here.
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)
}
