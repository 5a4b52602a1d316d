import { describe, expect, it } from 'vitest'
import { parsed, runTraced } from './children/child.js'
import type { LastingFaultReport, LastingFaultTask } from './children/lasting-fault-child.js'

const CHILD_TEST_MS = 90_000
/** Calls of the kind that failed, in the whole life of the process: a bound, with room for the process's other calls. */
const MAX_FAILED_CALLS = 40

async function run(trace: string, inject: string, task: LastingFaultTask) {
  const end = await runTraced(trace, [inject], './lasting-fault-child.ts', task)
  const injected = end.calls.filter((line) => line.includes('(INJECTED)')).length
  expect(injected).toBeGreaterThan(0)
  return { ...parsed<LastingFaultReport>(end), injected }
}

/** Each error names the call that failed, its errno and a remedy, after a bounded number of calls. */
describe('a system call that fails for good', () => {
  it.each(['ENOSYS', 'EIO', 'ENOMEM'])(
    'recvmsg with %s: the memory is abandoned, and the next write is told why',
    async (errno) => {
      const report = await run('recvmsg', `recvmsg:error=${errno}`, { recvmsg: true })
      expect(report).toMatchObject({ released: 'abandoned', closeError: 'none', timerRan: true })
      if (errno !== 'ENOMEM') expect(report.error).toMatchObject({ errno, syscall: 'recvmsg', remedy: expect.stringContaining('recvmsg') })
      expect(report.injected).toBeLessThan(MAX_FAILED_CALLS)
    },
    CHILD_TEST_MS,
  )

  // libuv makes another call, epoll_pwait.
  it(
    'epoll_wait with EIO: what is in flight is collected, and the next write is told why',
    async () => {
      const report = await run('epoll_wait', 'epoll_wait:error=EIO', { recvmsg: false })
      expect(report).toMatchObject({ released: 'copied', timerRan: true })
      expect(report.error).toMatchObject({ errno: 'EIO', syscall: 'epoll_wait', remedy: expect.stringContaining('epoll_wait') })
      expect(report.injected).toBeLessThan(MAX_FAILED_CALLS)
    },
    CHILD_TEST_MS,
  )

  it(
    'sendmsg with EINTR: the write fails, and timers run meanwhile',
    async () => {
      const report = await run('sendmsg', 'sendmsg:error=EINTR', { recvmsg: false })
      expect(report).toMatchObject({ released: 'failed', timerRan: true })
      expect(report.error).toMatchObject({ errno: 'EINTR', syscall: 'sendmsg', remedy: expect.stringContaining('sendmsg') })
    },
    CHILD_TEST_MS,
  )
})
