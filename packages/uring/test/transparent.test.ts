import { sendBodySuite, transparentSuite } from '@sendzc/core/fixtures'
import { describe, it } from 'vitest'
import { uring } from '../src/index.js'

const backends = { uring: () => uring({ entries: 64 }) }
transparentSuite({ describe, it, backends })
sendBodySuite({ describe, it, backends })
