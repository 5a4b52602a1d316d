import { once } from 'node:events'
import {
  bounded,
  type ContentRun,
  type ContentTask,
  type PoisonReport,
  poisonStreamAtReleased,
  releasingEarly,
  slowLoopback,
} from '@sendzc/core/conformance'
import { describe, expect, it } from 'vitest'
import { inline } from '../src/index.js'
import { BACKENDS } from './children/backends.js'
import { parsed, runInNamespace, startWorker } from './children/child.js'

const CHILD_TEST_MS = 90_000
/** Cases of a run over all four transports. */
const CASES = 12
/** A second or two for all datagrams of the child: much longer than from a release to the poison. */
const SLOW_KBIT_PER_S = 2_000
const capability = inline().probe()
const backends = Object.entries(BACKENDS).filter(([name]) => name !== 'inline' || capability.available)
/** What is copied by the send itself is never read again: its release can't be too early. */
const sharing = backends.filter(([name]) => name !== 'copy')

if (!capability.available) it.skip(`inline: content in a worker, and of an early release (skipped: ${capability.reason})`)

/** A caller that writes poison at `released` never gets poison delivered. */
describe('content in a worker, while garbage is collected', () => {
  it.each(backends)(
    '%s: everything arrives as it was written',
    async (backend) => {
      const worker = startWorker('./content-child.ts', { backend } satisfies ContentTask)
      const [run] = (await bounded(once(worker, 'message'), 'end of the run', CHILD_TEST_MS)) as [ContentRun]
      expect(run).toEqual({ cases: CASES, failures: [] })
      await worker.terminate()
    },
    CHILD_TEST_MS,
  )
})

describe('a release that comes early is seen at the receiver', () => {
  it.each(sharing)(
    '%s over TCP',
    async (_name, backend) => {
      for (const host of ['127.0.0.1', '::1'] as const) {
        expect(await poisonStreamAtReleased(backend(), host)).toEqual([])
        expect(await poisonStreamAtReleased(releasingEarly(backend()), host)).toEqual(['the stream holds poison'])
      }
    },
    CHILD_TEST_MS,
  )

  it.each(sharing)(
    '%s over UDP, where the device is slow',
    async (backend) => {
      const report = parsed<PoisonReport>(
        await runInNamespace(slowLoopback(SLOW_KBIT_PER_S), './content-child.ts', { backend } satisfies ContentTask),
      )
      expect(report.right).toEqual([])
      // Of both families: each is numbered from 0.
      for (const datagram of [5, 6, 7]) {
        expect(report.early.filter((what) => what === `datagram ${datagram} holds poison`)).toHaveLength(2)
      }
    },
    CHILD_TEST_MS,
  )
})
