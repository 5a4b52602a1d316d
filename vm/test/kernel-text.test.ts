import { describe, expect, it } from 'vitest'
import { formatDuration, progressText } from '../src/build-progress.js'
import { MarkedChannel } from '../src/channel-end.js'
import { parseKernelConfig, refusedSymbols } from '../src/kernel-config.js'
import { explainingLines, kernelProblems, maxReportedLogLines, panicReason } from '../src/kernel-log.js'
import { changesKernel } from '../src/patch-files.js'

describe('whether a patch changes the kernel', () => {
  const hunk = (file: string) => `--- a/${file}\n+++ b/${file}\n@@ -1 +1 @@\n-a\n+b\n`

  it.each([
    ['a test program alone', hunk('tools/testing/selftests/net/msg_zerocopy.c'), false],
    ['kernel code beside a test program', hunk('tools/testing/selftests/net/msg_zerocopy.c') + hunk('net/socket.c'), true],
    ['a new file of the kernel', '--- /dev/null\n+++ b/net/core/new.c\n', true],
    ['a removed file of the kernel', '--- a/net/core/old.c\n+++ /dev/null\n', true],
    ['a tool that takes part in the build', hunk('tools/objtool/check.c'), true],
    ['no file', 'From: nobody\n', true],
  ])('%s', (_, patch, changes) => {
    expect(changesKernel(patch)).toBe(changes)
  })
})

describe('kernel config', () => {
  it('reads values and symbols that are not set; the later line wins', () => {
    const config = parseKernelConfig('# text\nCONFIG_A=y\nCONFIG_B="x=y"\n# CONFIG_C is not set\n# CONFIG_A is not set\n')
    expect([...config]).toEqual([
      ['CONFIG_A', 'n'],
      ['CONFIG_B', '"x=y"'],
      ['CONFIG_C', 'n'],
    ])
  })

  it('names what was not granted', () => {
    const fragments = ['CONFIG_A=y\nCONFIG_B=y\nCONFIG_N=8\n', '# CONFIG_B is not set\nCONFIG_D=y\n']
    const final = 'CONFIG_A=y\nCONFIG_N=64\n'
    expect(refusedSymbols(fragments, final)).toEqual([
      { symbol: 'CONFIG_N', wanted: '8', got: '64' },
      { symbol: 'CONFIG_D', wanted: 'y', got: 'n' },
    ])
  })
})

describe('kernel log', () => {
  const clean = [
    '[    0.000000] Linux version 6.12',
    '[    0.1] SMP alternatives: Using kCFI',
    '[    0.2] rcu: Hierarchical RCU implementation.',
    '[    0.3] debug: unmapping init memory',
    '[    0.4] Debugging lock dependencies is on',
    '[    0.5] kasan: KernelAddressSanitizer initialized',
    '[    0.6] kmemleak: Kernel memory leak detector initialized (mem pool available: 15684)',
  ]

  it.each([
    'WARNING: CPU: 0 PID: 1 at net/core/skbuff.c:1234 skb_release_data+0x1/0x2',
    'WARNING: possible circular locking dependency detected',
    'BUG: sleeping function called from invalid context at mm/page_alloc.c:1',
    'BUG: KASAN: slab-use-after-free in sock_wfree+0x1/0x2',
    'kernel BUG at net/core/skbuff.c:1!',
    'Oops: general protection fault, probably for non-canonical address 0xdead000000000100: 0000 [#1]',
    'UBSAN: array-index-out-of-bounds in net/core/sock.c:1:2',
    'refcount_t: underflow; use-after-free.',
    'INFO: task node:77 blocked for more than 120 seconds.',
    'rcu: INFO: rcu_sched self-detected stall on CPU',
    'watchdog: BUG: soft lockup - CPU#0 stuck for 22s! [node:77]',
    'kmemleak: 2 new suspected memory leaks (see /sys/kernel/debug/kmemleak)',
    'Kernel panic - not syncing: Fatal exception',
    'unregister_netdevice: waiting for lo to become free. Usage count = 2',
  ])('finds "%s"', (line) => {
    expect(kernelProblems([...clean, `[    1.0] ${line}`, ...clean].join('\r\n'))).toEqual([`[    1.0] ${line}`])
  })

  it('does not find fault with a plain boot', () => {
    expect(kernelProblems(clean.join('\n'))).toEqual([])
  })

  it('explains from the first fault on, else by the end', () => {
    const many = Array.from({ length: 200 }, (_, index) => `line ${index}`)
    expect(explainingLines(many.join('\n'))).toEqual(many.slice(-maxReportedLogLines))
    const explained = explainingLines([...many, 'BUG: x', ...many].join('\n'))
    expect(explained.slice(0, 3)).toEqual(['line 198', 'line 199', 'BUG: x'])
    expect(explained).toHaveLength(maxReportedLogLines)
  })

  it('reads why the kernel panicked', () => {
    expect(panicReason('x\n[ 1.0] Kernel panic - not syncing: VFS: Unable to mount root fs\r\ny')).toBe('VFS: Unable to mount root fs')
    expect(panicReason('x')).toBeUndefined()
  })
})

describe('MarkedChannel', () => {
  const bytes = 'begin --en -- end --end--'

  it.each(Array.from({ length: bytes.length }, (_, index) => index + 1))('finds the mark in pieces of %i bytes', (size) => {
    const got: Buffer[] = []
    const channel = new MarkedChannel('--end--', (piece) => got.push(Buffer.from(piece)))
    for (let at = 0; at < bytes.length; at += size) {
      expect(channel.ended).toBe(false)
      channel.push(Buffer.from(bytes.slice(at, at + size)))
    }
    expect(channel.ended).toBe(true)
    expect(Buffer.concat(got).toString()).toBe('begin --en -- end ')
  })

  it('holds back no more than the beginning of a mark, and gives it at the end', () => {
    const got: string[] = []
    const channel = new MarkedChannel('--end--', (piece) => got.push(piece.toString()))
    channel.push(Buffer.from('a--e'))
    expect(got).toEqual(['a'])
    channel.flush()
    expect(got).toEqual(['a', '--e'])
    expect(channel.ended).toBe(false)
  })
})

describe('progress', () => {
  it('estimates from what is done', () => {
    expect(formatDuration(12_300)).toBe('12 s')
    expect(formatDuration(65_000)).toBe('1 min 5 s')
    expect(progressText(500, 2000, 60_000)).toBe('compiled 500 of about 2000 objects, 1 min 0 s elapsed, about 3 min 0 s left')
    expect(progressText(3, 2000, 1000)).toBe('compiled 3 of about 2000 objects, 1 s elapsed')
    expect(progressText(2100, 2000, 60_000)).toContain('2100 of about 2100')
  })
})
