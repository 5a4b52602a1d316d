import { sendBodySuite, transparentSuite } from '@sendzc/core/fixtures'
import { describe, it } from 'vitest'
import { namedBackends } from './children/backends.js'

transparentSuite({ describe, it, ...namedBackends() })
sendBodySuite({ describe, it, ...namedBackends() })
