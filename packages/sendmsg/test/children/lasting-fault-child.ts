// Writes over TCP while a system call fails for good (strace makes it), and prints the writer's reports.
import { setTimeout as delay } from 'node:timers/promises'
import { openWriter, ZeroCopyError } from '@sendzc/core'
import { tcpPairs } from '@sendzc/core/conformance'
import { errqueue } from '../../src/index.js'

/** The task of the child. */
export interface LastingFaultTask {
  /** Collects by recvmsg, the call that a collection falls back on. */
  recvmsg: boolean
}

/** The report that the child prints. */
export interface LastingFaultReport {
  /** How the memory of the first write came back, or `failed`. */
  released: string
  /** The error of the next writes. */
  error: { code: string; errno: string | undefined; syscall: string | undefined; remedy: string | undefined } | undefined
  closeError: string
  /** The event loop turned meanwhile. */
  timerRan: boolean
}

const WAIT_MS = 20_000
const PAUSE_MS = 50
const DRAIN_TIMEOUT_MS = 1_000

const task = JSON.parse(process.argv[2] as string) as LastingFaultTask
const pair = await tcpPairs('127.0.0.1')()
const backend = errqueue(task.recvmsg ? { collect: 'recvmsg' } : {})
const writer = await openWriter(pair.fd, { backend, minZerocopyBytes: 0, drainTimeoutMs: DRAIN_TIMEOUT_MS })
let timerRan = false
setTimeout(() => {
  timerRan = true
}, PAUSE_MS)

const explained = (reason: unknown): LastingFaultReport['error'] => {
  if (!ZeroCopyError.is(reason)) throw reason
  const { code, errno, syscall, remedy } = reason
  return { code, errno, syscall, remedy }
}

let error: LastingFaultReport['error']
// Sent, and then in flight until a wake-up.
const first = await writer.write(new Uint8Array(20_000)).catch((reason: unknown) => {
  error = explained(reason)
})
const released = first === undefined ? 'failed' : await Promise.race([first.released, delay(WAIT_MS, 'never', { ref: false })])
// A write that is sent and can't be waited for ends the writer: the write behind it gets the error.
for (let more = 0; more < 2 && error === undefined; more++)
  await writer.write(new Uint8Array(20_000)).catch((reason: unknown) => (error = explained(reason)))
const closeError = await writer.close().then(
  () => 'none',
  (reason: ZeroCopyError) => reason.code,
)
await pair.dispose()
process.stdout.write(JSON.stringify({ released, error, closeError, timerRan } satisfies LastingFaultReport))
