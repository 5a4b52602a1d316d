import { describe, it } from 'vitest'
import { conformance, driverConformance } from '../conformance/index.js'
import { MEMORY_MODES, memoryMode } from './memory-modes.js'

for (const mode of MEMORY_MODES) {
  for (const kind of ['stream', 'datagram'] as const) {
    driverConformance({ describe, it, ...memoryMode(mode, kind) })
    conformance({ describe, it, ...memoryMode(mode, kind) })
  }
}
