import { describe, expect, it } from 'vitest'
import { MAX_SELFTEST_BYTES } from '../src/c-programs/selftest-run.js'
import { readRecord } from '../src/record/record-file.js'
import { peerCells } from '../src/run/peer-plan.js'
import { inFolderOfItsOwn, lacksSelftests, run } from './bench-run.js'

const TIMEOUT_MS = 120_000
inFolderOfItsOwn()

const plan = { transports: ['tcp4' as const], intervals: [8], levels: ['driver' as const, 'writer' as const], size: undefined }
const cells = (over: Partial<Parameters<typeof peerCells>[0]>): string[] =>
  peerCells({ ...plan, ...over }, (backend) => backend !== 'uring-fixed' || over.backends?.includes(backend) === true, {
    ioUring: 'there',
  }).map(({ backend, level, sizeBytes }) => `${backend} ${level} ${sizeBytes}`)

describe('cells of bench peers', () => {
  it('are of the level that was asked for, with what stands beside it', () => {
    expect(cells({ levels: ['driver'] })).toEqual([
      'errqueue-recvmsg driver 65000',
      'c-msg_zerocopy peer 65000',
      'errqueue-recvmmsg driver 65000',
      'uring driver 65000',
      'c-io_uring peer 65000',
    ])
    expect(cells({ levels: ['writer'] }).filter((one) => one.includes('driver'))).toEqual([])
  })

  it('set registered memory beside registered memory', () => {
    expect(cells({ levels: ['driver'], backends: ['uring-fixed'] })).toEqual(
      expect.arrayContaining(['uring-fixed driver 65000', 'c-io_uring-fixed peer 65000']),
    )
    expect(cells({ levels: ['writer'], backends: ['uring-fixed'], size: 1_048_576 })).toContain('uring-fixed writer 1048576')
  })

  it('are of the size that was asked for, on both sides, as far as the C programs go', () => {
    const sizes = (size: number): string[] => [...new Set(cells({ size }).map((one) => one.replace(/^.* /u, '')))]
    expect(sizes(4_096)).toEqual(['4096'])
    expect(cells({ size: MAX_SELFTEST_BYTES })).toContain(`c-io_uring peer ${MAX_SELFTEST_BYTES}`)
    expect(cells({ size: MAX_SELFTEST_BYTES + 1 })).toEqual([
      `copy writer ${MAX_SELFTEST_BYTES + 1}`,
      `net.Socket.write peer ${MAX_SELFTEST_BYTES + 1}`,
      `auto writer ${MAX_SELFTEST_BYTES + 1}`,
    ])
  })
})

describe('bench peers', { timeout: TIMEOUT_MS }, () => {
  it.runIf(lacksSelftests === '')(`gives the C program and the path beside it the size that was asked for${lacksSelftests}`, async () => {
    const options = ['--backends', 'errqueue-recvmmsg', '--levels', 'driver', '--size', String(MAX_SELFTEST_BYTES), '--rounds', '1']
    const outcome = await run([
      'peers',
      ...options,
      '--transports',
      'udp4',
      '--intervals',
      '8',
      '--runtime-ms',
      '20',
      '--json',
      'peers.json',
    ])
    expect(outcome).toMatchObject({ status: 0 })
    const { rows } = await readRecord('peers.json')
    expect(rows.map(({ backend }) => backend).sort()).toEqual(['c-msg_zerocopy', 'errqueue-recvmmsg'])
    for (const { sends, bytes } of rows) expect(bytes).toBe(sends * MAX_SELFTEST_BYTES)
  })

  it('says which programs cannot send as much, and measures the others', async () => {
    const options = ['--backends', 'copy', '--size', '128K', '--rounds', '1', '--transports', 'tcp4', '--intervals', '8', '--cpus', '0,1']
    const outcome = await run(['peers', ...options, '--runtime-ms', '20', '--json', 'peers.json'])
    expect(outcome).toMatchObject({ status: 0 })
    expect(outcome.stdout).toContain('Left out: the C programs, whose sends hold at most 65435 bytes, not 131072.')
    const { rows } = await readRecord('peers.json')
    expect(rows.map(({ backend, sizeBytes }) => `${backend} ${sizeBytes}`).sort()).toEqual(['copy 131072', 'net.Socket.write 131072'])
  })
})
