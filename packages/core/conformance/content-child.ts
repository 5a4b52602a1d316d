import { isMainThread, parentPort, workerData } from 'node:worker_threads'
import type { Backend } from '../src/driver/driver.js'
import { runContent } from './content-run.js'
import { releasingEarly } from './early-release.js'
import { poisonDatagramsAtReleased } from './slow-device.js'

/** What a content child is to do. */
export interface ContentTask {
  /** One of the names that it was given. */
  backend: string
}

/** As a process: what was wrong with the datagrams of the backend, and of the same one made to release early. */
export interface PoisonReport {
  right: string[]
  early: string[]
}

/**
 * The whole of a child that compares what arrives while buffers are poisoned at their release: as a worker over loopback, which posts a
 * ContentRun; as a process, to be run where loopback is slow, which prints a {@link PoisonReport} as JSON.
 * @param backends - by name: see {@link ContentTask}, which is the worker's data or the process's first argument
 */
export async function runContentChild(backends: Readonly<Record<string, () => Backend>>): Promise<void> {
  const task = (isMainThread ? JSON.parse(process.argv[2] as string) : workerData) as ContentTask
  const make = backends[task.backend]
  if (make === undefined) throw new TypeError(`no backend is called ${task.backend}`)
  if (!isMainThread) {
    parentPort?.postMessage(await runContent(make))
    return
  }
  const report: PoisonReport = { right: [], early: [] }
  for (const host of ['127.0.0.1', '::1'] as const) {
    report.right.push(...(await poisonDatagramsAtReleased(make(), host)))
    report.early.push(...(await poisonDatagramsAtReleased(releasingEarly(make()), host)))
  }
  process.stdout.write(JSON.stringify(report))
}
