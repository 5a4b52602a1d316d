// Terminates a worker whose datagrams wait in the queue of a slow device, and prints the state of their memory. Is the worker as well.
import { isMainThread, parentPort, workerData } from 'node:worker_threads'
import { submitDatagrams, terminateWithDatagramsQueued } from '@sendzc/core/fixtures'
import { errqueue, processMemory } from '../../src/index.js'
import { startWorker } from './child.js'

if (isMainThread) {
  const report = await terminateWithDatagramsQueued((fd) => startWorker('./slow-device-child.ts', { fd }), processMemory)
  process.stdout.write(JSON.stringify(report))
} else {
  const { fd } = workerData as { fd: number }
  const { inFlight } = submitDatagrams(errqueue(), fd)
  parentPort?.postMessage(inFlight)
  // Terminated here.
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)
}
