import { assertNothingLost, assertResetAnswered, type WriteReport } from '@sendzc/core/fixtures'
import { describe, expect, it } from 'vitest'
import { parsed, runBehind, runInNamespace, runTraced, withMemlock } from './children/child.js'
import type { WriterTask } from './children/writer-child.js'

const CHILD_TEST_MS = 90_000
const SCRIPT = './writer-child.ts'
const calls = 'sendmsg,sendmmsg,recvmmsg'
const collects = ['recvmsg', 'recvmmsg'] as const

const tcp: WriterTask = { transport: 'tcp4', backend: 'errqueue', writes: 12, bytes: 30_000, writerOptions: { maxJoinedBytes: 0 } }
const udp: WriterTask = { ...tcp, transport: 'udp4' }

async function traced(inject: string, task: WriterTask): Promise<WriteReport> {
  const end = await runTraced(calls, [inject], SCRIPT, task)
  const report = parsed<WriteReport>(end)
  // An injection that met no call would be no proof.
  expect(end.calls.filter((line) => line.includes('(INJECTED)')).length).toBeGreaterThan(0)
  return report
}

describe.each(collects)('a writer over errqueue, collected with %s, loses nothing', (collect) => {
  const options = { collect }

  it.each([
    ['EINTR', 'sendmsg:error=EINTR:when=2..9'],
    ['EAGAIN', 'sendmsg:error=EAGAIN:when=3+4'],
  ])(
    '%s from sendmsg',
    async (_errno, inject) => {
      const report = await traced(inject, { ...tcp, options })
      assertNothingLost(report)
      expect(report.stats?.copies.limit).toBe(0)
    },
    CHILD_TEST_MS,
  )

  it(
    'ENOBUFS with sends in flight: it waits for their notifications and copies nothing',
    async () => {
      // More than the peer takes before it reads, so that the sixth finds others in flight.
      const report = await traced('sendmsg:error=ENOBUFS:when=6', { ...tcp, options, bytes: 400_000, peerPaused: true })
      assertNothingLost(report)
      expect(report.stats?.copies.limit).toBe(0)
      expect(report.warnings).toEqual([])
    },
    CHILD_TEST_MS,
  )

  it(
    'ENOBUFS with none in flight: it copies that send and says so once',
    async () => {
      const report = await traced('sendmsg:error=ENOBUFS:when=1+2', { ...tcp, options, writes: 4, oneAtATime: true })
      assertNothingLost(report)
      expect(report.stats?.copies.limit).toBeGreaterThan(0)
      expect(report.warnings).toEqual(['ZC_LIMIT_TOO_LOW'])
    },
    CHILD_TEST_MS,
  )

  it(
    'not even a copy fits: ERR_ZC_NO_BUFFERS for every write',
    async () => {
      const report = await traced('sendmsg:error=ENOBUFS', { ...tcp, options })
      assertNothingLost(report, 'failed')
      for (const { error } of report.writes)
        expect(error).toMatchObject({ code: 'ERR_ZC_NO_BUFFERS', errno: 'ENOBUFS', syscall: 'sendmsg' })
    },
    CHILD_TEST_MS,
  )

  it(
    'a peer that resets in mid-write: ERR_ZC_PEER_RESET',
    async () => {
      const task: WriterTask = { ...tcp, options, bytes: 2_000_000, peerPaused: true, peerResets: true }
      const report = parsed<WriteReport>(await runBehind(['env'], SCRIPT, task))
      assertResetAnswered(report)
    },
    CHILD_TEST_MS,
  )

  for (const [name, task] of Object.entries({ tcp4: tcp, udp4: udp })) {
    it(
      `net.core.optmem_max too small for one notification, ${name}: everything is copied, once said`,
      async () => {
        const report = parsed<WriteReport>(
          await runInNamespace('echo 256 > /proc/sys/net/core/optmem_max', SCRIPT, { ...task, options, oneAtATime: true }),
        )
        assertNothingLost(report)
        expect(report.stats?.copies).toMatchObject({ limit: 12, kernel: 0 })
        expect(report.warnings).toEqual(['ZC_LIMIT_TOO_LOW'])
      },
      CHILD_TEST_MS,
    )

    it(
      `memlock of zero, ${name}: everything is copied, once said`,
      async () => {
        const report = parsed<WriteReport>(await runBehind(withMemlock(0), SCRIPT, { ...task, options, oneAtATime: true }))
        assertNothingLost(report)
        expect(report.stats?.copies).toMatchObject({ limit: 12, kernel: 0 })
        expect(report.warnings).toEqual(['ZC_LIMIT_TOO_LOW'])
      },
      CHILD_TEST_MS,
    )
  }

  it(
    'net.core.optmem_max too small for what is in flight: it waits',
    async () => {
      const task: WriterTask = { ...tcp, options, writes: 80, bytes: 60_000, peerPaused: true }
      const report = parsed<WriteReport>(await runInNamespace('echo 2048 > /proc/sys/net/core/optmem_max', SCRIPT, task))
      assertNothingLost(report)
      expect(report.stats?.copies.kernel).toBeGreaterThan(0)
    },
    CHILD_TEST_MS,
  )
})
