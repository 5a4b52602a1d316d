import { contentSuite, type PoisonReport } from '@sendzc/core/conformance'
import { describe, it } from 'vitest'
import { namedBackends } from './children/backends.js'
import { parsed, runInNamespace, startWorker } from './children/child.js'

const SCRIPT = './content-child.ts'

contentSuite({
  describe,
  it,
  ...namedBackends(),
  startWorker: (task) => startWorker(SCRIPT, task),
  runInNamespace: async (setup, task) => parsed<PoisonReport>(await runInNamespace(setup, SCRIPT, task)),
})
