import { parentPort, workerData } from 'node:worker_threads'
import type { Backend } from '../src/driver/driver.js'
import { runContent } from './content-run.js'

/** What a content child is to do. */
export interface ContentTask {
  /** One of the names that it was given. */
  backend: string
}

/**
 * The whole of a worker that compares what arrives over loopback while buffers are poisoned at their release, and posts a ContentRun.
 * @param backends - by name: see {@link ContentTask}, which is the worker's data
 */
export async function runContentChild(backends: Readonly<Record<string, () => Backend>>): Promise<void> {
  const task = workerData as ContentTask
  const make = backends[task.backend]
  if (make === undefined) throw new TypeError(`no backend is called ${task.backend}`)
  parentPort?.postMessage(await runContent(make))
}
