import { expect, it } from 'vitest'
import { parsed, runBehind } from './children/child.js'
import type { NoDescriptorEnd, NoDescriptorTask } from './children/no-descriptor-child.js'

const CHILD_TEST_MS = 60_000
const FEW_DESCRIPTORS = ['prlimit', '--nofile=128:128']

it.each([
  ['to load the addon', 'open', { free: 0, loaded: false }],
  ['to join the event loop', 'epoll_create1', { free: 0, loaded: true }],
  ['for the duplicate', 'fcntl', { free: 1, loaded: true }],
] as const)(
  'no descriptor %s: EMFILE of %s, with a remedy, and no harm to a later open',
  async (_what, syscall, task: NoDescriptorTask) => {
    const ends = parsed<NoDescriptorEnd[]>(await runBehind(FEW_DESCRIPTORS, './no-descriptor-child.ts', task))
    const refused = { code: 'ERR_ZC_LIMIT', errno: 'EMFILE', syscall, remedy: expect.stringContaining('ulimit -n') }
    expect(ends).toEqual([refused, refused, { code: 'opened' }])
  },
  CHILD_TEST_MS,
)
