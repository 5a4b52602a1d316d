import { writerLifetimeSuite } from '@sendzc/core/conformance'
import { describe, it } from 'vitest'
import { loadNative } from '../src/native.js'
import { BACKENDS } from './children/backends.js'
import { runChild, startWorker } from './children/child.js'

const SCRIPT = './writer-stage-child.ts'

writerLifetimeSuite({
  describe,
  it,
  backends: BACKENDS,
  startWorker: (task) => startWorker(SCRIPT, task),
  runChild: (task) => runChild(SCRIPT, task),
  pinnedMemory: () => {
    const values = new Float64Array(2)
    loadNative().processMemory(values)
    const [pinnedBytes = 0, leakedBytes = 0] = values
    return { pinnedBytes, leakedBytes }
  },
})
