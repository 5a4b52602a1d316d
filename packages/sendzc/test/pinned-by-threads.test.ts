import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { bundleProgram } from '@sendzc/core/fixtures'
import { expect, it } from 'vitest'
import type { PinningEnd } from './children/pinning-child.js'

const CHILD_TEST_MS = 60_000

it(
  'maxPinnedBytes counts what another thread has pinned, until it is released',
  async () => {
    const program = await bundleProgram(fileURLToPath(new URL('./children/pinning-child.ts', import.meta.url)))
    const ends = JSON.parse(execFileSync(process.execPath, [program], { encoding: 'utf8', timeout: CHILD_TEST_MS })) as PinningEnd[]
    expect(ends).toEqual(['errqueue', 'uring'].map((backend) => ({ backend, shared: [1, 0, 1], refused: 1 })))
  },
  CHILD_TEST_MS,
)
