import { constants } from 'node:os'
import { describe, expect, it } from 'vitest'
import { failingEpollCtl } from '../../native/test/failing-epoll-ctl.js'
import { parsed, runBehind } from './children/child.js'
import type { EpollCtlReport } from './children/epoll-ctl-child.js'

const CHILD_TEST_MS = 60_000

/** One error, which is the same for each write behind it, names the call. */
describe('epoll_ctl that fails for good', () => {
  const behind = failingEpollCtl()

  it.each([
    ['ENOSPC', 'max_user_watches'],
    ['ENOMEM', 'memory'],
    ['EPERM', 'sandbox'],
  ] as const)(
    'when a wake-up is asked for, with %s: the next write is told why, and close ends',
    async (errno, remedy) => {
      const report = parsed<EpollCtlReport>(await runBehind(behind('arm', constants.errno[errno]), './epoll-ctl-child.ts', {}))
      const said = { code: 'ERR_ZC_SYSTEM', errno, syscall: 'epoll_ctl', remedy: expect.stringContaining(remedy) }
      expect(report.errors[0]).toEqual(said)
      expect(report.closed).toBe(true)
    },
    CHILD_TEST_MS,
  )

  it.each([
    ['ENOSPC', 'max_user_watches'],
    ['ENOMEM', 'memory'],
  ] as const)(
    'when the event loop is joined, with %s: the open is told why',
    async (errno, remedy) => {
      const report = parsed<EpollCtlReport>(await runBehind(behind('join', constants.errno[errno]), './epoll-ctl-child.ts', {}))
      const said = { code: 'ERR_ZC_SYSTEM', errno, syscall: 'epoll_ctl', remedy: expect.stringContaining(remedy) }
      expect(report.errors).toEqual([said])
    },
    CHILD_TEST_MS,
  )
})
