import { Errno, Release } from '@sendzc/core/driver'
import { describe, expect, it } from 'vitest'
import { parsed, positionOfOwn, ringOfLibuv, runChild, runTraced } from './children/child.js'
import type { SendChildReport, SendTask } from './children/send-child.js'

const CHILD_TEST_MS = 90_000
const one: SendTask = { options: {}, sockets: 1, bytes: 50_000 }
const COOP_TASKRUN = 1 << 8
const SINGLE_ISSUER = 1 << 12
const DEFER_TASKRUN = 1 << 13

async function traced(inject: readonly string[], task: SendTask = one): Promise<SendChildReport> {
  return parsed<SendChildReport>(await runTraced('io_uring_setup,io_uring_enter', inject, './send-child.ts', task))
}

/** Faults that `strace -e inject=` puts in place of the kernel's answers. */
describe('a ring that cannot be made', () => {
  it.each([
    ['EPERM', 'ERR_ZC_BACKEND_UNAVAILABLE', /seccomp/],
    ['ENOSYS', 'ERR_ZC_BACKEND_UNAVAILABLE', /CONFIG_IO_URING/],
    ['ENOMEM', 'ERR_ZC_BACKEND_UNAVAILABLE', /RLIMIT_MEMLOCK/],
    ['EMFILE', 'ERR_ZC_LIMIT', /RLIMIT_NOFILE/],
    ['EINVAL', 'ERR_ZC_BACKEND_UNAVAILABLE', /EINVAL/],
  ])(
    '%s is %s with cause and remedy, from open and from probe',
    async (errno, code, message) => {
      const report = await traced([`io_uring_setup:error=${errno}`])
      expect(report.error).toMatchObject({ code, errno, syscall: 'io_uring_setup' })
      expect(report.error?.message).toMatch(message)
      expect(report.probe.available).toBe(false)
      expect(report.probe.reason).toMatch(message)
      expect(report.probe.remedy).toBeTruthy()
    },
    CHILD_TEST_MS,
  )
})

describe('setup flags', () => {
  it(
    'that the kernel lacks are stepped down from, and sends work all the same',
    async ({ skip }) => {
      // The probe makes a ring of its own, with one call that succeeds at once; then the sending ring is refused.
      const newest = await traced([])
      if (((newest.setupFlags as number) & DEFER_TASKRUN) === 0) skip('this kernel loses signals of deferred work: see signal_probe.h')
      const sending = await positionOfOwn('io_uring_setup', 2, './send-child.ts', one)
      const cooperative = await traced([`io_uring_setup:error=EINVAL:when=${sending}`])
      expect((cooperative.setupFlags as number) & (DEFER_TASKRUN | SINGLE_ISSUER | COOP_TASKRUN)).toBe(SINGLE_ISSUER | COOP_TASKRUN)
      const plain = await traced([`io_uring_setup:error=EINVAL:when=${sending}..${sending + 3}`])
      expect((plain.setupFlags as number) & (DEFER_TASKRUN | SINGLE_ISSUER | COOP_TASKRUN)).toBe(0)
      for (const { results, releases } of [newest, cooperative, plain]) {
        expect(results).toEqual([50_000])
        expect(releases).toEqual([Release.Copied])
      }
    },
    CHILD_TEST_MS,
  )
})

describe('io_uring_enter', () => {
  it(
    'serves many sockets with one call',
    async () => {
      const end = await runTraced('io_uring_enter', [], './send-child.ts', { ...one, sockets: 32 })
      const report = parsed<SendChildReport>(end)
      expect(report.results).toEqual(Array(32).fill(50_000))
      expect(report.sendCalls).toBe(1)
      expect(end.calls.filter((line) => /, 32, 0, /.test(line))).toHaveLength(1)
    },
    CHILD_TEST_MS,
  )

  it(
    'interrupted is repeated, and the caller sees nothing of it',
    async () => {
      const send = await positionOfOwn('io_uring_enter', 4, './send-child.ts', one)
      const report = await traced([`io_uring_enter:error=EINTR:when=${send}..${send + 4}`])
      expect(report.results).toEqual([50_000])
      expect(report.releases).toEqual([Release.Copied])
    },
    CHILD_TEST_MS,
  )

  it.skipIf(ringOfLibuv !== null)(
    `that takes nothing for want of memory is tried again, and the caller sees nothing of it${ringOfLibuv === null ? '' : ` (skipped: ${ringOfLibuv})`}`,
    async () => {
      // Enters before the send: those of the probe's ring, the ring's own, and that of the socket's check.
      const send = await positionOfOwn('io_uring_enter', 4, './send-child.ts', one)
      const report = await traced([`io_uring_enter:error=EAGAIN:when=${send}..${send + 2}`])
      expect(report.results).toEqual([50_000])
      expect(report.releases).toEqual([Release.Copied])
    },
    CHILD_TEST_MS,
  )

  it(
    'that fails while a driver is opened is told by open, with the call that failed',
    async () => {
      const check = await positionOfOwn('io_uring_enter', 3, './send-child.ts', one)
      const report = await traced([`io_uring_enter:error=EIO:when=${check}`])
      expect(report.error).toMatchObject({ code: 'ERR_ZC_SYSTEM', errno: 'EIO', syscall: 'io_uring_enter' })
    },
    CHILD_TEST_MS,
  )
})

describe('RLIMIT_MEMLOCK', () => {
  // Enough for a small ring, which kernels count against the limit, and no more. Root is above the limit, so the child is not root.
  const limited = (bytes: number): string[] => [
    'prlimit',
    `--memlock=${bytes}:${bytes}`,
    'setpriv',
    '--reuid=65534',
    '--regid=65534',
    '--clear-groups',
    '--inh-caps=-all',
  ]
  const small = { entries: 8, completionEntries: 64 }

  it(
    'too low for fixed buffers is named, with what it is and what to do',
    async () => {
      const task: SendTask = { ...one, options: { ...small, fixedBuffers: { count: 16, bytes: 65_536 } } }
      const report = parsed<SendChildReport>(await runChild('./send-child.ts', task, limited(262_144)))
      expect(report.error).toMatchObject({ code: 'ERR_ZC_BACKEND_UNAVAILABLE', errno: 'ENOMEM', syscall: 'io_uring_register' })
      expect(report.error?.message).toMatch(/1048576 bytes.*RLIMIT_MEMLOCK \(ulimit -l\) is 262144 bytes.*CAP_IPC_LOCK/)
      expect(report.probe.available).toBe(false)
    },
    CHILD_TEST_MS,
  )

  it(
    'too low for a message: its send answers ENOMEM or ENOBUFS, and it is released as never shared',
    async () => {
      const task: SendTask = { ...one, bytes: 4_194_304, options: small }
      const report = parsed<SendChildReport>(await runChild('./send-child.ts', task, limited(262_144)))
      expect(report.error).toBeUndefined()
      expect([-Errno.ENOMEM, -Errno.ENOBUFS]).toContain(report.results?.[0])
      expect(report.releases).toEqual([Release.None])
    },
    CHILD_TEST_MS,
  )
})
