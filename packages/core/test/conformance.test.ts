import { describe, it } from 'vitest'
import { conformance } from '../conformance/index.js'
import { MEMORY_MODES, memoryMode } from './memory-modes.js'

for (const mode of MEMORY_MODES) {
  for (const kind of ['stream', 'datagram'] as const) {
    conformance({ describe, it, ...memoryMode(mode, kind) })
  }
}
