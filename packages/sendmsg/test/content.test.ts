import { contentSuite } from '@sendzc/core/fixtures'
import { describe, it } from 'vitest'
import { namedBackends } from './children/backends.js'
import { startWorker } from './children/child.js'

const SCRIPT = './content-child.ts'

contentSuite({
  describe,
  it,
  ...namedBackends(),
  startWorker: (task) => startWorker(SCRIPT, task),
})
