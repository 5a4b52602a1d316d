import { constants } from 'node:os'
import { expect, it } from 'vitest'
import { failingEpollCtl } from '../../native/test/failing-epoll-ctl.js'
import { runChild } from './children/child.js'
import type { EpollCtlError } from './children/epoll-ctl-child.js'

const CHILD_TEST_MS = 60_000
const behind = failingEpollCtl()

it.each([
  ['ENOSPC', 'max_user_watches'],
  ['ENOMEM', 'memory'],
] as const)(
  'epoll_ctl that fails for good with %s: each open is told why',
  async (errno, remedy) => {
    const end = await runChild('./epoll-ctl-child.ts', {}, behind('join', constants.errno[errno]))
    expect({ status: end.status, stderr: end.stderr }).toEqual({ status: 0, stderr: '' })
    const said = { code: 'ERR_ZC_SYSTEM', errno, syscall: 'epoll_ctl', remedy: expect.stringContaining(remedy) }
    expect(JSON.parse(end.stdout) as EpollCtlError[]).toEqual(
      Array.from({ length: 2 }, () => ({ ...said, message: expect.stringContaining('epoll_ctl') })),
    )
  },
  CHILD_TEST_MS,
)
