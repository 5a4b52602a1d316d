// Ids are 32 bits, and no test sends 2^32 messages: here the kernel's notifications are shifted on their way to the driver, so that they wrap soon.
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parsed, runBehind } from './children/child.js'
import type { WrapTask } from './children/wrap-child.js'

/** A promise of the suite that sees a wrong range at the wrap, and the messages before it. */
interface Watch {
  promise: string
  messagesBefore: number
}
/** A socket that is always full: when the wrap comes, others wait behind the message that is released. */
const BY_TOKEN: Watch = { promise: 'released-by-token', messagesBefore: 1_000 }
/** Twenty messages, each of which is notified once. */
const BY_COUNT: Watch = { promise: 'driver-counters', messagesBefore: 10 }
const COMPILE_MS = 60_000
const CHILD_TEST_MS = 60_000

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

type Fault = 'none' | 'more' | 'fewer'

async function failuresAtWrap(kind: WrapTask['kind'], collect: WrapTask['collect'], fault: Fault, watch: Watch): Promise<string[]> {
  const { promise, messagesBefore } = watch
  const environment = [`LD_PRELOAD=${library}`, `SENDZC_ID_SHIFT=${2 ** 32 - messagesBefore}`, `SENDZC_ID_FAULT=${fault}`]
  // A mutant is seen by a release that never comes.
  const task: WrapTask = { kind, collect, promise, waitMs: fault === 'none' ? 10_000 : 3_000 }
  const report = parsed<{ cases: number; failed: string[] }>(await runBehind(['env', ...environment], './wrap-child.ts', task))
  expect(report.cases).toBeGreaterThan(0)
  return report.failed
}

describe('over a real kernel whose ids wrap', () => {
  for (const kind of ['stream', 'datagram'] as const) {
    it.each(['recvmsg', 'recvmmsg'] as const)(
      `each release is that of its message: ${kind}, %s`,
      async (collect) => {
        for (const watch of [BY_TOKEN, BY_COUNT]) expect(await failuresAtWrap(kind, collect, 'none', watch)).toEqual([])
      },
      CHILD_TEST_MS,
    )
  }

  it.each([
    ['an id too few', 'stream', 'recvmmsg', 'fewer', BY_TOKEN],
    ['an id too few', 'datagram', 'recvmmsg', 'fewer', BY_TOKEN],
    ['an id too many', 'stream', 'recvmsg', 'more', BY_COUNT],
    ['an id too many', 'stream', 'recvmmsg', 'more', BY_COUNT],
    ['an id too many', 'datagram', 'recvmsg', 'more', BY_COUNT],
    ['an id too many', 'datagram', 'recvmmsg', 'more', BY_COUNT],
  ] as const)(
    '%s is caught by name: %s, %s',
    async (_what, kind, collect, fault, watch) => {
      const [first] = await failuresAtWrap(kind, collect, fault, watch)
      expect(first, 'the mutant passed').toBeDefined()
      expect(first).toContain(`${watch.promise}: `)
    },
    CHILD_TEST_MS,
  )
})
