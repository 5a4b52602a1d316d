// Writes to descriptor 9, a UDP socket, after its route was taken away, and prints the outcome of the write and of its memory.
import { execSync } from 'node:child_process'
import { openWriter, ZeroCopyError } from '@sendzc/core'
import { errqueue, processMemory } from '../../src/index.js'

/** The task of the child. */
export interface LostRouteTask {
  /** A shell command that takes the route away. */
  routeEnds: string
}

/** The report that the child prints. */
export interface LostRouteReport {
  errno: string | undefined
  released: string | undefined
  closeError: string
  abandonedBytes: number
  leakedBytes: number
}

const DRAIN_TIMEOUT_MS = 3_000

const task = JSON.parse(process.argv[2] as string) as LostRouteTask
const writer = await openWriter(9, { backend: errqueue(), drainTimeoutMs: DRAIN_TIMEOUT_MS })
execSync(task.routeEnds)
const failure = await writer.write(new Uint8Array(20_000)).then(
  () => undefined,
  (error: unknown) => (ZeroCopyError.is(error) ? error : undefined),
)
const closed = await writer.close().then(
  () => 'none',
  (error: ZeroCopyError) => error.code,
)
const report: LostRouteReport = {
  errno: failure?.errno,
  released: await failure?.released,
  closeError: closed,
  abandonedBytes: writer.stats().abandonedBytes,
  leakedBytes: processMemory().leakedBytes,
}
process.stdout.write(JSON.stringify(report))
