import { exitAtStage, terminateAtStage, WRITER_STAGE_STATUS, WRITER_STAGES } from '@sendzc/core/conformance'
import { describe, expect, it } from 'vitest'
import { loadNative } from '../src/native.js'
import { BACKENDS } from './children/backends.js'
import { runChild, startWorker } from './children/child.js'

const CHILD_TEST_MS = 90_000
const SCRIPT = './writer-stage-child.ts'
const backends = Object.keys(BACKENDS)

/** Bytes that are pinned and were not left so on purpose. */
function pinnedByAccident(): number {
  const values = new Float64Array(2)
  loadNative().processPins(values)
  const [pinned = 0, leaked = 0] = values
  return pinned - leaked
}

describe.each(backends)('%s: a writer whose environment ends', (backend) => {
  it.each(WRITER_STAGES)(
    'by worker.terminate(), %s: a clean prefix arrives, and nothing is left',
    async (stage) => {
      const before = pinnedByAccident()
      const end = await terminateAtStage({ stage, backend }, (task) => startWorker(SCRIPT, task))
      expect(end).toEqual({ status: 1, arrivalError: undefined, left: { handles: [], descriptors: 0 } })
      expect(pinnedByAccident()).toBe(before)
    },
    CHILD_TEST_MS,
  )

  it.each(WRITER_STAGES)(
    'by process.exit(), %s: it has its status, and a clean prefix arrives',
    async (stage) => {
      const { end, arrivalError } = await exitAtStage({ stage, backend }, (task) => runChild(SCRIPT, task))
      const { status, signal, stderr } = end
      expect({ status, signal, stderr, arrivalError }).toEqual({
        status: WRITER_STAGE_STATUS,
        signal: null,
        stderr: '',
        arrivalError: undefined,
      })
    },
    CHILD_TEST_MS,
  )
})
