import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import { parsed, runBehind, withMemlock } from './children/child.js'

const CHILD_TEST_MS = 60_000
const SCRIPT = fileURLToPath(new URL('./children/memlock-child.ts', import.meta.url))

interface Report {
  received: number
  mostPinnedBytes: number
  pinned: number
  sharedWrites: number
  memlockBytes: number
  whole: { pinnedBytes: number; leakedBytes: number }
  warnings: string[]
}

it(
  'the transparent mode keeps below RLIMIT_MEMLOCK, so that the kernel refuses nothing',
  async () => {
    const limitBytes = 1_048_576
    const report = parsed<Report>(await runBehind(withMemlock(limitBytes), SCRIPT, {}))
    expect(report).toMatchObject({ received: 40 * 262_144 + 4 * 1_048_576, memlockBytes: limitBytes, warnings: [] })
    expect(report.mostPinnedBytes).toBeLessThanOrEqual(limitBytes)
    expect([report.pinned > 0, report.sharedWrites > 0]).toEqual([true, true])
    expect(report.whole).toEqual({ pinnedBytes: 0, leakedBytes: 0 })
  },
  CHILD_TEST_MS,
)
