import type { WriteReport } from '@sendzc/core/fixtures'
import { describe, expect, it } from 'vitest'
import { type ChildEnd, parsed, positionOfOwn, ringOfLibuv, runTraced } from './children/child.js'
import type { WriterTask } from './children/writer-child.js'

const CHILD_TEST_MS = 90_000
const SCRIPT = './writer-child.ts'
/** Nine tries of one request, and those that single calls of the writer make afterwards: each of its writes, arming, aborting, closing. */
const MOST_FAILED_ENTERS = 60
/** An enter that is interrupted is repeated within one try: max_interrupted_enters of native/ring.h. */
const MOST_INTERRUPTED_ENTERS = 64 * MOST_FAILED_ENTERS
const tcp: WriterTask = { transport: 'tcp4', writes: 12, bytes: 30_000, writerOptions: { maxJoinedBytes: 0, minZerocopyBytes: 0 } }
const udp: WriterTask = { ...tcp, transport: 'udp4' }

const why = ringOfLibuv === null ? '' : ` (skipped: ${ringOfLibuv})`

/** Runs `task`, and lets every io_uring_enter from the `nth` on this ring fail. */
async function failingFrom(errno: string, nth: number, task: WriterTask): Promise<{ report: WriteReport; injected: number }> {
  const first = await positionOfOwn('io_uring_enter', nth, SCRIPT, task)
  const end: ChildEnd = await runTraced('io_uring_enter', [`io_uring_enter:error=${errno}:when=${first}+`], SCRIPT, task)
  return { report: parsed<WriteReport>(end), injected: end.calls.filter((line) => line.includes('(INJECTED)')).length }
}

describe.skipIf(ringOfLibuv !== null)(`an io_uring_enter that fails for good${why}`, () => {
  for (const errno of ['EIO', 'EPERM', 'EAGAIN', 'EINTR']) {
    it(
      `${errno}: the writes fail with it, after a bounded number of tries, and nothing stays pinned that the kernel never saw`,
      async () => {
        const { report, injected } = await failingFrom(errno, 3, tcp)
        const error = { code: 'ERR_ZC_SYSTEM', errno, syscall: 'io_uring_enter', remedy: expect.stringMatching(/\w/) }
        expect(report.writes).toHaveLength(12)
        for (const write of report.writes) expect(write).toMatchObject({ state: 'failed', settled: 1, released: 1, error })
        expect(report.stats).toMatchObject({ inFlight: 0, abandonedBytes: 0 })
        expect(report.violations).toEqual([])
        expect(report.left).toEqual({ handles: [], descriptors: 0, pinnedBytes: 0 })
        expect(injected).toBeGreaterThan(8)
        expect(injected).toBeLessThan(errno === 'EINTR' ? MOST_INTERRUPTED_ENTERS : MOST_FAILED_ENTERS)
      },
      CHILD_TEST_MS,
    )
  }

  it(
    'from the opening on: the error of the opening names it',
    async () => {
      const { report } = await failingFrom('EIO', 1, tcp)
      expect(report.openError).toMatchObject({
        code: 'ERR_ZC_BACKEND_UNAVAILABLE',
        errno: 'EIO',
        syscall: 'io_uring_enter',
        message: expect.stringMatching(/^io_uring_enter failed with EIO\./),
      })
    },
    CHILD_TEST_MS,
  )

  it(
    'fails each datagram by itself',
    async () => {
      const { report } = await failingFrom('EAGAIN', 3, udp)
      for (const write of report.writes) expect(write).toMatchObject({ state: 'failed', settled: 1, error: { errno: 'EAGAIN' } })
      expect(report.violations).toEqual([])
    },
    CHILD_TEST_MS,
  )

  it(
    'leaves pinned what the kernel has, says so, and blames nobody else',
    async () => {
      const bytes = 16_000_000
      const task: WriterTask = { ...tcp, writes: 1, bytes, peerPaused: true, writerOptions: { drainTimeoutMs: 500, abortGraceMs: 100 } }
      // The two calls of the opening and the one of the submission succeed.
      const { report, injected } = await failingFrom('EIO', 4, task)
      expect(report.writes[0]).toMatchObject({ state: 'failed', settled: 1, released: 1, outcome: 'abandoned', error: { errno: 'EIO' } })
      expect(report.stats?.abandonedBytes).toBe(bytes)
      expect(report.left).toMatchObject({ handles: [], pinnedBytes: bytes })
      expect(report.violations).toEqual([expect.stringMatching(/io_uring_enter fails with EIO.*within 500 ms/)])
      expect(report.violations[0]).not.toContain('peer')
      expect(injected).toBeLessThan(MOST_FAILED_ENTERS)
    },
    CHILD_TEST_MS,
  )
})
