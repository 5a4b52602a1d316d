// Compares what arrives while buffers are poisoned at their release: as a worker over loopback, as a process where loopback is slow.
import { isMainThread, parentPort, workerData } from 'node:worker_threads'
import type { Backend } from '@sendzc/core'
import { poisonDatagramsAtReleased, releasingEarly, runContent } from '@sendzc/core/conformance'
import { BACKENDS } from './backends.js'

/** What the child is to do. */
export interface ContentTask {
  backend: string
}

/** As a process: what was wrong with the datagrams of the backend, and of the same one made to release early. */
export interface PoisonReport {
  right: string[]
  early: string[]
}

if (isMainThread) {
  const make = BACKENDS[(JSON.parse(process.argv[2] as string) as ContentTask).backend] as () => Backend
  const report: PoisonReport = { right: [], early: [] }
  for (const host of ['127.0.0.1', '::1'] as const) {
    report.right.push(...(await poisonDatagramsAtReleased(make(), host)))
    report.early.push(...(await poisonDatagramsAtReleased(releasingEarly(make()), host)))
  }
  process.stdout.write(JSON.stringify(report))
} else {
  parentPort?.postMessage(await runContent(BACKENDS[(workerData as ContentTask).backend] as () => Backend))
}
