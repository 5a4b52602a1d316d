import assert from 'node:assert/strict'
import type { Worker } from 'node:worker_threads'
import { type NamedBackends, registerSkips } from './named-backends.js'
import {
  exitAtStage,
  LEFT_IN_FLIGHT,
  terminateAtStage,
  WRITER_STAGE_STATUS,
  WRITER_STAGES,
  type WriterStage,
  type WriterStageTask,
} from './writer-stage.js'

/** The argument of {@link writerLifetimeSuite}. */
export interface WriterLifetimeSuiteOptions extends NamedBackends {
  /** Starts a worker that runs `runWriterStage` with the same names. */
  startWorker: (task: WriterStageTask) => Worker | Promise<Worker>
  /** Runs a process that runs `runWriterStage` with the same names, to its end. */
  runChild: (task: WriterStageTask) => Promise<{ status: number | null; signal: string | null; stdout: string; stderr: string }>
  /** Bytes that the addon has pinned in this process, and of those the bytes that it left so on purpose. */
  pinnedMemory: () => { pinnedBytes: number; leakedBytes: number }
}

/** The peer reads nothing, and zero-copy sends are queued. */
const MUST_ABORT: readonly WriterStage[] = ['waiting', 'closing', 'aborting']

const CHILD_TEST_MS = 90_000

/** Registers the tests of a writer whose thread or process ends, at each stage of a write. */
export function writerLifetimeSuite(options: WriterLifetimeSuiteOptions): void {
  const { describe, it, backends, startWorker, runChild, pinnedMemory } = options
  registerSkips(options, 'a writer whose environment ends')
  for (const [backend, make] of Object.entries(backends)) {
    const shares = make().name !== 'copy'
    describe(`${backend}: a writer whose environment ends`, () => {
      for (const stage of WRITER_STAGES) {
        it(
          `by worker.terminate(), ${stage}: a clean prefix arrives, and nothing is left`,
          async () => {
            const before = pinnedMemory()
            const end = await terminateAtStage({ stage, backend }, startWorker, shares && MUST_ABORT.includes(stage))
            assert.deepEqual(end, { status: 1, arrivalError: undefined, left: { handles: [], descriptors: 0 } })
            // No byte is left pinned on purpose either: an aborted TCP connection gives back all its memory.
            assert.deepEqual(pinnedMemory(), before)
          },
          CHILD_TEST_MS,
        )
      }
      for (const stage of [...WRITER_STAGES, LEFT_IN_FLIGHT]) {
        const how = stage === LEFT_IN_FLIGHT ? 'by an event loop with nothing left to do' : `by process.exit(), ${stage}`
        it(
          `${how}: it has its status, and a clean prefix arrives`,
          async () => {
            const { end, arrivalError, missingBytes } = await exitAtStage({ stage, backend }, runChild)
            const { status, signal, stderr } = end
            assert.deepEqual(
              { status, signal, stderr, arrivalError },
              { status: WRITER_STAGE_STATUS, signal: null, stderr: '', arrivalError: undefined },
            )
            assert.equal(missingBytes, 0, 'of what was sent')
          },
          CHILD_TEST_MS,
        )
      }
    })
  }
}
