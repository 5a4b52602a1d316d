import { netSocketSuite } from '@sendzc/core/conformance'
import { describe, it } from 'vitest'
import { namedBackends } from './children/backends.js'

netSocketSuite({ describe, it, ...namedBackends() })
