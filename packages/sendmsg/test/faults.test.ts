import { Errno, Release } from '@sendzc/core/driver'
import { describe, expect, it } from 'vitest'
import { parsed, runInNamespace, runTraced } from './children/child.js'
import type { SendReport, SendTask } from './send-task.js'

const CHILD_TEST_MS = 90_000
const calls = 'sendmsg,sendmmsg,recvmmsg'
const tcp: SendTask = { transport: 'tcp4', backend: 'errqueue', submits: 4, messages: 1, bytes: 20_000, oneAtATime: true }
const udp: SendTask = { ...tcp, transport: 'udp4', options: { interval: 1 }, oneAtATime: false }
const copied = (count: number): number[] => Array(count).fill(Release.Copied)

/** Faults that `strace -e inject=` puts in place of the kernel's answers. */
describe('injected faults', () => {
  it(
    'sendmsg interrupted again and again is repeated, and the caller sees nothing of it',
    async () => {
      const traced = await runTraced(calls, ['sendmsg:error=EINTR:when=2..6'], './send-child.ts', tcp)
      const report = parsed<SendReport>(traced)
      expect(report.results).toEqual(Array(4).fill(20_000))
      expect(report.releases).toEqual(copied(4))
      expect(traced.calls.filter((line) => line.includes('EINTR'))).toHaveLength(5)
    },
    CHILD_TEST_MS,
  )

  it(
    'sendmsg interrupted more often than it is repeated: no room for now',
    async () => {
      const report = parsed<SendReport>(await runTraced(calls, ['sendmsg:error=EINTR:when=2..66'], './send-child.ts', tcp))
      expect(report.results).toEqual([20_000, -Errno.EAGAIN, 20_000, 20_000])
      expect(report.releases).toEqual([Release.Copied, Release.None, Release.Copied, Release.Copied])
    },
    CHILD_TEST_MS,
  )

  it(
    'recvmmsg that a sandbox does not know: recvmsg takes its place',
    async () => {
      const report = parsed<SendReport>(await runTraced(calls, ['recvmmsg:error=ENOSYS'], './send-child.ts', udp))
      expect(report.releases).toEqual(copied(4))
      expect(report.released).toMatchObject({ inFlight: 0, pinnedBytes: 0 })
    },
    CHILD_TEST_MS,
  )

  it(
    'sendmmsg that a sandbox does not know: sendmsg takes its place',
    async () => {
      const task: SendTask = { ...udp, options: {}, submits: 2, messages: 3 }
      const report = parsed<SendReport>(await runTraced(calls, ['sendmmsg:error=ENOSYS'], './send-child.ts', task))
      expect(report.results).toEqual(Array(6).fill(20_000))
      expect(report.releases).toEqual(copied(6))
    },
    CHILD_TEST_MS,
  )

  it(
    'recvmmsg interrupted is repeated',
    async () => {
      const traced = await runTraced(calls, ['recvmmsg:error=EINTR:when=1..3'], './send-child.ts', udp)
      const report = parsed<SendReport>(traced)
      expect(report.submitted).toMatchObject({ collectCalls: 4, inFlight: 0 })
      expect(report.releases).toEqual(copied(4))
    },
    CHILD_TEST_MS,
  )

  it(
    'recvmmsg that finds nothing yet: released by a later one',
    async () => {
      const report = parsed<SendReport>(await runTraced(calls, ['recvmmsg:error=EAGAIN:when=1'], './send-child.ts', udp))
      expect(report.submitted).toMatchObject({ collectCalls: 4, emptyCollectCalls: 1, inFlight: 0 })
      expect(report.releases).toEqual(copied(4))
    },
    CHILD_TEST_MS,
  )

  it.each([
    ['EAGAIN', 'tcp4', Errno.EAGAIN, tcp],
    ['ENOBUFS', 'tcp4', Errno.ENOBUFS, tcp],
    ['EAGAIN', 'udp4', Errno.EAGAIN, udp],
    ['ENOBUFS', 'udp4', Errno.ENOBUFS, udp],
  ])(
    'sendmsg with %s over %s: reported for that message alone, whose memory is free at once',
    async (name, _transport, errno, task) => {
      const report = parsed<SendReport>(await runTraced(calls, [`sendmsg:error=${name}:when=2`], './send-child.ts', task))
      expect(report.results).toEqual([20_000, -errno, 20_000, 20_000])
      expect(report.releases).toEqual([Release.Copied, Release.None, Release.Copied, Release.Copied])
      expect(report.violations).toEqual([])
      expect(report.released).toMatchObject({ unknownIds: 0, inFlight: 0, pinnedBytes: 0 })
    },
    CHILD_TEST_MS,
  )

  it(
    'on a stream, the messages behind one that failed are canceled',
    async () => {
      const task: SendTask = { ...tcp, submits: 1, messages: 4, oneAtATime: false }
      const report = parsed<SendReport>(await runTraced(calls, ['sendmsg:error=ENOBUFS:when=2'], './send-child.ts', task))
      expect(report.results).toEqual([20_000, -Errno.ENOBUFS, -Errno.ECANCELED, -Errno.ECANCELED])
    },
    CHILD_TEST_MS,
  )

  it(
    'on a stream, the messages behind one that was sent in part are canceled',
    async () => {
      const task: SendTask = { ...tcp, backend: 'copy', submits: 1, messages: 4, oneAtATime: false }
      const report = parsed<SendReport>(await runTraced(calls, ['sendmsg:retval=5000:when=2'], './send-child.ts', task))
      expect(report.results).toEqual([20_000, 5000, -Errno.ECANCELED, -Errno.ECANCELED])
    },
    CHILD_TEST_MS,
  )

  it(
    'a short sendmmsg goes on behind what was sent: no datagram is lost or sent twice',
    async () => {
      const task: SendTask = { ...udp, options: {}, submits: 1, messages: 6 }
      const report = parsed<SendReport>(await runTraced(calls, ['sendmmsg:error=ENOBUFS:when=1'], './send-child.ts', task))
      expect(report.results).toEqual([-Errno.ENOBUFS, ...Array(5).fill(-Errno.ECANCELED)])
      expect(report.releases).toEqual(Array(6).fill(Release.None))
      expect(report.released).toMatchObject({ inFlight: 0, pinnedBytes: 0 })
    },
    CHILD_TEST_MS,
  )

  it(
    'a datagram that fails for a reason of its own does not stop those behind it',
    async () => {
      const task: SendTask = { ...udp, submits: 3, messages: 1 }
      const report = parsed<SendReport>(await runTraced(calls, ['sendmsg:error=ECONNREFUSED:when=2'], './send-child.ts', task))
      expect(report.results).toEqual([20_000, -Errno.ECONNREFUSED, 20_000])
      expect(report.releases).toEqual([Release.Copied, Release.None, Release.Copied])
    },
    CHILD_TEST_MS,
  )

  it(
    'a datagram that fails with an error that leaves its id in doubt: the next one still gets its own notification',
    async () => {
      const task: SendTask = { ...udp, submits: 3, messages: 1 }
      const report = parsed<SendReport>(await runTraced(calls, ['sendmsg:error=EPERM:when=2'], './send-child.ts', task))
      expect(report.results).toEqual([20_000, -Errno.EPERM, 20_000])
      expect(report.releases).toEqual([Release.Copied, Release.None, Release.Copied])
      // The id of the datagram that the driver began and dropped to learn the count.
      expect(report.released).toMatchObject({ unknownIds: 1, inFlight: 0, pinnedBytes: 0 })
    },
    CHILD_TEST_MS,
  )
})

describe('net.core.optmem_max too small', () => {
  it(
    'ENOBUFS with nothing in flight, and the memory is free',
    async () => {
      const task: SendTask = { ...udp, submits: 2, messages: 1 }
      const report = parsed<SendReport>(await runInNamespace('echo 256 > /proc/sys/net/core/optmem_max', './send-child.ts', task))
      expect(report.results).toEqual([-Errno.ENOBUFS, -Errno.ENOBUFS])
      expect(report.releases).toEqual([Release.None, Release.None])
      expect(report.released).toMatchObject({ inFlight: 0, pinnedBytes: 0 })
    },
    CHILD_TEST_MS,
  )

  it(
    'ENOBUFS with sends in flight: what was sent before is released',
    async () => {
      const task: SendTask = { ...tcp, submits: 80, bytes: 60_000, oneAtATime: false, peerPaused: true }
      const report = parsed<SendReport>(await runInNamespace('echo 2048 > /proc/sys/net/core/optmem_max', './send-child.ts', task))
      expect(report.results[0]).toBe(60_000)
      expect(report.results).toContain(-Errno.ENOBUFS)
      expect(report.submitted.inFlight).toBeGreaterThan(0)
      report.results.forEach((result, at) => {
        expect(report.releases[at]).toBe((result as number) > 0 ? Release.Copied : Release.None)
      })
    },
    CHILD_TEST_MS,
  )
})
