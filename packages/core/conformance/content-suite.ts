import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { Worker } from 'node:worker_threads'
import { bounded } from './bounded.js'
import type { ContentTask, PoisonReport } from './content-child.js'
import type { ContentRun } from './content-run.js'
import { releasingEarly } from './early-release.js'
import { type NamedBackends, registerSkips } from './named-backends.js'
import { poisonStreamAtReleased, slowLoopback } from './slow-device.js'

/** What {@link contentSuite} is given. */
export interface ContentSuiteOptions extends NamedBackends {
  /** Starts a worker that runs `runContentChild` with the same names. */
  startWorker: (task: ContentTask) => Worker
  /** Runs a process that runs `runContentChild` with the same names, in a network namespace whose loopback was set up with the shell commands. */
  runInNamespace: (setup: string, task: ContentTask) => Promise<PoisonReport>
}

const CHILD_TEST_MS = 90_000
/** Cases of a run over all four transports. */
const CASES = 12
/** A second or two for all datagrams of the child: much longer than from a release to the poison. */
const SLOW_KBIT_PER_S = 2_000

/**
 * Registers the tests that a caller who writes poison at `released` never gets poison delivered, and that it would be seen if a release
 * came early.
 */
export function contentSuite(options: ContentSuiteOptions): void {
  const { describe, it, backends, startWorker, runInNamespace } = options
  registerSkips(options, 'content in a worker, and of an early release')
  describe('content in a worker, while garbage is collected', () => {
    for (const backend of Object.keys(backends)) {
      it(
        `${backend}: everything arrives as it was written`,
        async () => {
          const worker = startWorker({ backend })
          const [run] = (await bounded(once(worker, 'message'), 'end of the run', CHILD_TEST_MS)) as [ContentRun]
          assert.deepEqual(run, { cases: CASES, failures: [] })
          await worker.terminate()
        },
        CHILD_TEST_MS,
      )
    }
  })
  describe('a release that comes early is seen at the receiver', () => {
    for (const [name, backend] of Object.entries(backends)) {
      // What is copied by the send itself is never read again: its release can't be too early.
      if (backend().name === 'copy') continue
      it(
        `${name} over TCP`,
        async () => {
          for (const host of ['127.0.0.1', '::1'] as const) {
            assert.deepEqual(await poisonStreamAtReleased(backend(), host), [])
            assert.deepEqual(await poisonStreamAtReleased(releasingEarly(backend()), host), ['the stream holds poison'])
          }
        },
        CHILD_TEST_MS,
      )
      it(
        `${name} over UDP, where the device is slow`,
        async () => {
          const report = await runInNamespace(slowLoopback(SLOW_KBIT_PER_S), { backend: name })
          assert.deepEqual(report.right, [])
          // Of both families: each is numbered from 0.
          for (const datagram of [5, 6, 7]) {
            assert.equal(report.early.filter((what) => what === `datagram ${datagram} holds poison`).length, 2, report.early.join('; '))
          }
        },
        CHILD_TEST_MS,
      )
    }
  })
}
