import { writerLifetimeSuite } from '@sendzc/core/conformance'
import { describe, it } from 'vitest'
import { processMemory } from '../src/index.js'
import { namedBackends } from './children/backends.js'
import { runChild, startWorker } from './children/child.js'

const SCRIPT = './writer-stage-child.ts'

writerLifetimeSuite({
  describe,
  it,
  ...namedBackends(),
  startWorker: (task) => startWorker(SCRIPT, task),
  runChild: (task) => runChild(SCRIPT, task),
  pinnedMemory: processMemory,
})
