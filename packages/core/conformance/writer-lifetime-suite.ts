import assert from 'node:assert/strict'
import type { Worker } from 'node:worker_threads'
import { type NamedBackends, registerSkips } from './named-backends.js'
import { exitAtStage, terminateAtStage, WRITER_STAGE_STATUS, WRITER_STAGES, type WriterStageTask } from './writer-stage.js'

/** What {@link writerLifetimeSuite} is given. */
export interface WriterLifetimeSuiteOptions extends NamedBackends {
  /** Starts a worker that runs `runWriterStage` with the same names. */
  startWorker: (task: WriterStageTask) => Worker
  /** Runs a process that runs `runWriterStage` with the same names, to its end. */
  runChild: (task: WriterStageTask) => Promise<{ status: number | null; signal: string | null; stderr: string }>
  /** Bytes that the addon has pinned in this process, and of those the bytes that it left so on purpose. */
  pinnedMemory: () => { pinnedBytes: number; leakedBytes: number }
}

const CHILD_TEST_MS = 90_000

/** Registers the tests of a writer whose thread or process ends, at each stage of a write. */
export function writerLifetimeSuite(options: WriterLifetimeSuiteOptions): void {
  const { describe, it, backends, startWorker, runChild, pinnedMemory } = options
  const pinnedByAccident = (): number => pinnedMemory().pinnedBytes - pinnedMemory().leakedBytes
  registerSkips(options, 'a writer whose environment ends')
  for (const backend of Object.keys(backends)) {
    describe(`${backend}: a writer whose environment ends`, () => {
      for (const stage of WRITER_STAGES) {
        it(
          `by worker.terminate(), ${stage}: a clean prefix arrives, and nothing is left`,
          async () => {
            const before = pinnedByAccident()
            const end = await terminateAtStage({ stage, backend }, startWorker)
            assert.deepEqual(end, { status: 1, arrivalError: undefined, left: { handles: [], descriptors: 0 } })
            assert.equal(pinnedByAccident(), before)
          },
          CHILD_TEST_MS,
        )
      }
      for (const stage of WRITER_STAGES) {
        it(
          `by process.exit(), ${stage}: it has its status, and a clean prefix arrives`,
          async () => {
            const { end, arrivalError } = await exitAtStage({ stage, backend }, runChild)
            const { status, signal, stderr } = end
            assert.deepEqual(
              { status, signal, stderr, arrivalError },
              { status: WRITER_STAGE_STATUS, signal: null, stderr: '', arrivalError: undefined },
            )
          },
          CHILD_TEST_MS,
        )
      }
    })
  }
}
