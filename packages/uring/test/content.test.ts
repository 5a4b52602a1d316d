import { contentSuite } from '@sendzc/core/fixtures'
import { describe, it } from 'vitest'
import { BACKENDS } from './children/backends.js'
import { startWorker } from './children/child.js'

const SCRIPT = './content-child.ts'

contentSuite({
  describe,
  it,
  backends: BACKENDS,
  startWorker: (task) => startWorker(SCRIPT, task),
})
