import { transparentSuite } from '@sendzc/core/fixtures'
import { describe, it } from 'vitest'
import { uring } from '../src/index.js'

transparentSuite({ describe, it, backends: { uring: () => uring({ entries: 64 }) } })
