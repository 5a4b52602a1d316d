import { netSocketSuite } from '@sendzc/core/fixtures'
import { describe, it } from 'vitest'
import { namedBackends } from './children/backends.js'

netSocketSuite({ describe, it, ...namedBackends() })
