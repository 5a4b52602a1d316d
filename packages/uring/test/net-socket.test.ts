import { netSocketSuite } from '@sendzc/core/conformance'
import { describe, it } from 'vitest'
import { uring } from '../src/index.js'

netSocketSuite({ describe, it, backends: { uring: () => uring({ entries: 64 }) } })
