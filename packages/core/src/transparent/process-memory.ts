import type { Backend, ProcessMemory } from '../driver/driver.js'
import { clock } from '../writer/clock.js'

/** Time, in ms, for which a look at the memory of the whole process holds. */
const LOOK_EVERY_MS = 10

const sources = new Set<() => ProcessMemory>()
let looked: ProcessMemory = { pinnedBytes: 0, leakedBytes: 0 }
let lookedAtMs = Number.NEGATIVE_INFINITY

/** Counts the memory of a backend from now on. */
export function countMemoryOf(backend: Backend): void {
  for (const source of backend.processMemory ?? []) sources.add(source)
}

/** Memory that the counted backends keep pinned, in all threads of the process. */
export function processMemory(): ProcessMemory {
  const all = [...sources].map((source) => source())
  const sum = (name: keyof ProcessMemory): number => all.reduce((bytes, each) => bytes + each[name], 0)
  return { pinnedBytes: sum('pinnedBytes'), leakedBytes: sum('leakedBytes') }
}

/** {@link processMemory}`.pinnedBytes`, at most {@link LOOK_EVERY_MS} old. */
export function recentlyPinnedBytes(): number {
  const nowMs = clock.now()
  if (nowMs - lookedAtMs >= LOOK_EVERY_MS) {
    looked = processMemory()
    lookedAtMs = nowMs
  }
  return looked.pinnedBytes
}
