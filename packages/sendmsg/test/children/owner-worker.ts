// Opens a driver on a descriptor of the process, in a thread of its own, and reports the result; keeps the driver open where it got one.
import { parentPort, workerData } from 'node:worker_threads'
import { ZeroCopyError } from '@sendzc/core'
import { BACKENDS } from './backends.js'

/** The report of the worker. */
export interface OwnerReport {
  /** `opened`, or the code of the refusal. */
  code: string
  remedy: string | undefined
}

const { fd, backend } = workerData as { fd: number; backend: string }
const sink = { sent: () => undefined, released: () => undefined, wake: () => undefined }

function report(): OwnerReport {
  try {
    BACKENDS[backend]?.().open({ fd, sink, maxInFlight: 4 })
    return { code: 'opened', remedy: undefined }
  } catch (error) {
    if (!ZeroCopyError.is(error)) throw error
    return { code: error.code, remedy: error.remedy }
  }
}

parentPort?.postMessage(report())
setInterval(() => undefined, 60_000)
