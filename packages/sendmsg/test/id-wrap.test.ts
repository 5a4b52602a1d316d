// Ids are 32 bits, and no test sends 2^32 messages: here the kernel's notifications are shifted on their way to the driver, so that they wrap soon.
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parsed, runBehind } from './children/child.js'
import type { WrapTask } from './children/wrap-child.js'

/** Messages before the wrap: when it comes, a socket that is always full has others waiting behind the one that is released. */
const MESSAGES_BEFORE = 1_000
const COMPILE_MS = 60_000
const CHILD_TEST_MS = 60_000
const PROMISE = 'released-by-token'

let directory = ''
let library = ''
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'sendzc-shifted-'))
  library = join(directory, 'shifted_ids.so')
  const source = fileURLToPath(new URL('./native/shifted_ids.cc', import.meta.url))
  const flags = ['-std=c++17', '-O1', '-Wall', '-Wextra', '-Werror', '-shared', '-fPIC']
  execFileSync(process.env.CXX ?? 'c++', [...flags, source, '-o', library, '-ldl'], { stdio: 'inherit' })
}, COMPILE_MS)
afterAll(() => rmSync(directory, { recursive: true, force: true }))

async function failuresAtWrap(kind: WrapTask['kind'], collect: WrapTask['collect'], fault: 'none' | 'more' | 'fewer'): Promise<string[]> {
  const environment = [`LD_PRELOAD=${library}`, `SENDZC_ID_SHIFT=${2 ** 32 - MESSAGES_BEFORE}`, `SENDZC_ID_FAULT=${fault}`]
  // A mutant is seen by a release that never comes.
  const task: WrapTask = { kind, collect, promise: PROMISE, waitMs: fault === 'none' ? 10_000 : 3_000 }
  const report = parsed<{ cases: number; failed: string[] }>(await runBehind(['env', ...environment], './wrap-child.ts', task))
  expect(report.cases).toBeGreaterThan(0)
  return report.failed
}

describe('over a real kernel whose ids wrap', () => {
  for (const kind of ['stream', 'datagram'] as const) {
    it.each(['recvmsg', 'recvmmsg'] as const)(
      `each release is that of its message: ${kind}, %s`,
      async (collect) => expect(await failuresAtWrap(kind, collect, 'none')).toEqual([]),
      CHILD_TEST_MS,
    )
  }

  it.each([
    ['an id too few', 'stream', 'recvmmsg', 'fewer'],
    ['an id too few', 'datagram', 'recvmmsg', 'fewer'],
    ['an id too many', 'datagram', 'recvmsg', 'more'],
  ] as const)(
    `%s is caught by name: %s, %s: ${PROMISE}`,
    async (_what, kind, collect, fault) => {
      const [first] = await failuresAtWrap(kind, collect, fault)
      expect(first, 'the mutant passed').toBeDefined()
      expect(first).toContain(`${PROMISE}: `)
    },
    CHILD_TEST_MS,
  )
})
