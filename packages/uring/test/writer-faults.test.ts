import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Capability, openWriter } from '@sendzc/core'
import { tcpPairs } from '@sendzc/core/conformance'
import { assertNothingLost, assertResetAnswered, content, type WriteReport } from '@sendzc/core/fixtures'
import { describe, expect, it } from 'vitest'
import { uring } from '../src/index.js'
import { OWN_CALL, parsed, positionOfOwn, runChild, runTraced, withMemlock } from './children/child.js'
import type { WriterTask } from './children/writer-child.js'

type Report = WriteReport & { probe: Capability }

const CHILD_TEST_MS = 90_000
/**
 * Six pages: three small rings of two (of the writer, and two that look at the host) may be counted at a time, and no send of eight fits. Neither does
 * the ring of seven that newer versions of libuv try to make for each event loop, which would leave none for these.
 */
const MEMLOCK_OF_RINGS_BYTES = 24_576
const SCRIPT = './writer-child.ts'
const tcp: WriterTask = { transport: 'tcp4', writes: 12, bytes: 30_000, writerOptions: { maxJoinedBytes: 0 } }
const udp: WriterTask = { ...tcp, transport: 'udp4' }

describe('a writer over uring loses nothing', () => {
  it.each(['EINTR', 'EAGAIN', 'EBUSY'])(
    '%s from io_uring_enter, again and again',
    async (errno) => {
      const task = { ...tcp, oneAtATime: true }
      // In the midst of the writes: no socket opens or closes meanwhile, so libuv doesn't enter its own ring.
      const first = await positionOfOwn('io_uring_enter', 8, SCRIPT, task)
      const inject = `io_uring_enter:error=${errno}:when=${first}..${first + 6}+2`
      const end = await runTraced('io_uring_enter', [inject], SCRIPT, task)
      assertNothingLost(parsed<Report>(end))
      const injected = end.calls.filter((line) => line.includes('(INJECTED)'))
      expect(injected.length).toBeGreaterThan(0)
      expect(injected.filter((line) => !OWN_CALL.test(line))).toEqual([])
    },
    CHILD_TEST_MS,
  )

  it(
    'no request to be had just as a copy waits for room in the socket',
    async () => {
      const task: WriterTask = { ...tcp, writes: 1, bytes: 16_000_000, peerPaused: true, writerOptions: { minZerocopyBytes: 100_000_000 } }
      // The first enter after opening: a lone copy goes without the ring, so that it is the poll of the full socket.
      const poll = await positionOfOwn('io_uring_enter', 3, SCRIPT, task)
      const end = await runTraced('io_uring_enter', [`io_uring_enter:error=EAGAIN:when=${poll}`], SCRIPT, task)
      assertNothingLost(parsed<Report>(end))
      expect(end.calls.filter((line) => line.includes('(INJECTED)')).map((line) => OWN_CALL.test(line))).toEqual([true])
    },
    CHILD_TEST_MS,
  )

  it(
    'a peer that resets in mid-write: ERR_ZC_PEER_RESET',
    async () => {
      const report = parsed<Report>(await runChild(SCRIPT, { ...tcp, bytes: 2_000_000, peerPaused: true, peerResets: true }))
      assertResetAnswered(report)
    },
    CHILD_TEST_MS,
  )

  for (const [name, task] of Object.entries({ tcp4: tcp, udp4: udp })) {
    it.runIf(process.geteuid?.() === 0)(
      `memlock that a ring fits in and a send does not, ${name}: everything is copied, once said (needs root)`,
      async () => {
        const small: WriterTask = { ...task, options: { entries: 8, completionEntries: 64 }, oneAtATime: true }
        const report = parsed<Report>(await runChild(SCRIPT, small, withMemlock(MEMLOCK_OF_RINGS_BYTES)))
        assertNothingLost(report)
        expect(report.stats?.copies).toMatchObject({ limit: 12, kernel: 0 })
        expect(report.warnings).toEqual(['ZC_LIMIT_TOO_LOW'])
        // The kernel gives a ring, and the ring reports copies: the suite does not take a shortage of memory for a missing feature.
        expect(report.probe.available).toBe(true)
        expect(report.probe.reason).not.toContain('cannot be told apart')
      },
      CHILD_TEST_MS,
    )
  }
})

describe('the error of a send names the system call that failed', () => {
  it.each([
    ['a copy alone on its ring', 100_000, 'sendmsg'],
    ['a zero-copy send', 0, 'io_uring_enter'],
  ])('%s', async (_name, minZerocopyBytes, syscall) => {
    const pair = await tcpPairs('127.0.0.1')()
    const writer = await openWriter({ fd: pair.fd }, { backend: uring(), minZerocopyBytes })
    pair.peer.reset()
    const failed: unknown = await writer.write(content(20_000)).catch((error: unknown) => error)
    expect(failed).toMatchObject({ code: 'ERR_ZC_PEER_RESET', syscall })
    await writer.close()
    await pair.dispose()
  })
})

describe('a memlock limit of zero', () => {
  it(
    'is told at open, with its remedy, where the kernel counts rings against it',
    async () => {
      const report = parsed<Report>(await runChild(SCRIPT, tcp, withMemlock(0)))
      expect(report.openError).toMatchObject({ code: 'ERR_ZC_BACKEND_UNAVAILABLE', errno: 'ENOMEM', syscall: 'io_uring_setup' })
      expect(report.openError?.message).toContain('RLIMIT_MEMLOCK (ulimit -l) is 0 bytes')
      expect(report.openError?.remedy).toContain('memlock')
      expect(report.probe).toMatchObject({ available: false, reason: expect.stringContaining('RLIMIT_MEMLOCK') })
      expect(report.left).toEqual({ handles: [], descriptors: 0, pinnedBytes: 0 })
    },
    CHILD_TEST_MS,
  )
})

/** The sysctl belongs to the whole machine, so a process is shown a file of its own in its place, and the kernel's answer is injected. */
describe('io_uring disabled by kernel.io_uring_disabled', () => {
  it.each([
    ['2', 'ERR_ZC_BACKEND_UNAVAILABLE', /kernel\.io_uring_disabled=2/],
    ['1', 'ERR_ZC_PERMISSION', /kernel\.io_uring_disabled=1/],
  ])(
    '%s: %s, with the remedy',
    async (value, code, cause) => {
      const folder = mkdtempSync(join(tmpdir(), 'sendzc-sysctl-'))
      try {
        const file = join(folder, 'io_uring_disabled')
        writeFileSync(file, `${value}\n`)
        const shell = `mount --bind ${file} /proc/sys/kernel/io_uring_disabled && exec "$0" "$@"`
        const prefix = ['unshare', '--mount', '--map-root-user', 'sh', '-ec', shell]
        const report = parsed<Report>(await runTraced('io_uring_setup', ['io_uring_setup:error=EPERM'], SCRIPT, tcp, prefix))
        expect(report.openError).toMatchObject({ code, errno: 'EPERM', syscall: 'io_uring_setup', message: expect.stringMatching(cause) })
        expect(report.openError?.remedy).toContain('kernel.io_uring_disabled=0')
        expect(report.probe).toMatchObject({ available: false, reason: expect.stringMatching(cause) })
        expect(report.left).toEqual({ handles: [], descriptors: 0, pinnedBytes: 0 })
      } finally {
        rmSync(folder, { recursive: true, force: true })
      }
    },
    CHILD_TEST_MS,
  )
})
