import { openMemoryPair } from '../conformance/fixtures/index.js'
import type { ConformanceOptions } from '../conformance/index.js'
import type { SocketKind } from '../src/driver/driver.js'
import type { ReleaseOutcome } from '../src/errors.js'
import { type MemoryBackend, type MemoryOptions, memory } from '../src/testing/memory-backend.js'

/** A behaviour of the fake kernel, and the outcomes of large writes under it. */
export interface MemoryMode {
  name: string
  options: MemoryOptions
  outcomes: readonly ReleaseOutcome[]
}

/** The modes that the whole suite runs in. */
export const MEMORY_MODES: readonly MemoryMode[] = [
  { name: 'plain', options: {}, outcomes: ['zerocopy'] },
  { name: 'ids that wrap', options: { firstId: 0xffff_fff0 }, outcomes: ['zerocopy'] },
  { name: 'ids that wrap, scattered ranges', options: { firstId: 0xffff_fffa, ranges: 'scattered', seed: 7 }, outcomes: ['zerocopy'] },
  { name: 'one notification for each id', options: { ranges: 'single', rangesPerCall: 1 }, outcomes: ['zerocopy'] },
  { name: 'a small socket buffer', options: { sendBufferBytes: 20_000, bytesPerTurn: 3_001 }, outcomes: ['zerocopy'] },
  { name: 'little optmem', options: { maxUncollectedSends: 3 }, outcomes: ['zerocopy', 'copied'] },
  { name: 'deferred, answered in flush', options: { deferred: 'flush', ranges: 'scattered' }, outcomes: ['zerocopy'] },
  { name: 'deferred, answered from the loop', options: { deferred: 'loop', firstId: 0xffff_ffff }, outcomes: ['zerocopy'] },
  { name: 'always copied', options: { copiedFraction: 1 }, outcomes: ['copied'] },
  { name: 'copied now and then', options: { copiedFraction: 0.3, ranges: 'scattered' }, outcomes: ['zerocopy', 'copied'] },
  { name: 'without zero-copy', options: { zerocopy: false }, outcomes: ['copied'] },
]

/** Options of the suite for `backend`. */
export function memoryConformance(
  backend: MemoryBackend,
  kind: SocketKind,
  { name, outcomes }: MemoryMode,
): Omit<ConformanceOptions, 'describe' | 'it'> {
  return {
    name: `memory ${kind}, ${name}`,
    kind,
    openPair: () => openMemoryPair(backend, kind),
    // Here, too, a datagram leaves with a turn of the event loop, not with its send.
    openSlowPair: () => openMemoryPair(backend, 'datagram'),
    backend: () => backend,
    expectOutcomes: outcomes,
    inject: ({ fd }, fault) => backend.socket(fd).inject(fault),
  }
}

/** The suite's options for a fresh fake kernel in `mode`. */
export function memoryMode(mode: MemoryMode, kind: SocketKind): Omit<ConformanceOptions, 'describe' | 'it'> {
  return memoryConformance(memory(mode.options), kind, mode)
}
