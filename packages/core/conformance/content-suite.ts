import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { Worker } from 'node:worker_threads'
import { bounded } from './bounded.js'
import type { ContentTask } from './content-child.js'
import type { ContentRun } from './content-run.js'
import { type NamedBackends, registerSkips } from './named-backends.js'

/** What {@link contentSuite} is given. */
export interface ContentSuiteOptions extends NamedBackends {
  /** Starts a worker that runs `runContentChild` with the same names. */
  startWorker: (task: ContentTask) => Worker
}

const CHILD_TEST_MS = 90_000
/** Cases of a run over all four transports. */
const CASES = 14

/** Registers the tests that a caller in a worker who writes poison at `released` never gets poison delivered. */
export function contentSuite(options: ContentSuiteOptions): void {
  const { describe, it, backends, startWorker } = options
  registerSkips(options, 'content in a worker')
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
}
