import { existsSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { describe, expect, it, vi } from 'vitest'
import { bench } from '../src/bench.js'
import { readRecord } from '../src/record/record-file.js'
import { blame, capture, inFolderOfItsOwn, run } from './bench-run.js'

// These run in this process, which the sweep pins to a CPU: the workspace gives each test file a process of its own.
const TIMEOUT_MS = 120_000

inFolderOfItsOwn()

const smallest = ['--backends', 'copy', '--intervals', '8', '--levels', 'driver', '--rounds', '1', '--runtime-ms', '10']

describe('bench sweep, end to end', { timeout: TIMEOUT_MS }, () => {
  it('measures two paths at both levels, prints the tables and leaves a valid record', async () => {
    const paths = ['--transports', 'tcp4', '--backends', 'copy,errqueue-recvmsg', '--intervals', '1,4']
    const outcome = await run(['sweep', ...paths, '--rounds', '2', '--runtime-ms', '30', '--seed', '5', '--json', 'record.json'])
    expect(outcome).toMatchObject({ status: 0 })
    expect(outcome.stdout).toContain('driver level, interval 1, 65000 bytes')
    expect(outcome.stdout).toContain('writer level, interval 4, 65000 bytes')
    expect(outcome.stdout).toContain('Record: record.json')
    // Loopback reception copies on a stock kernel, and the table says so.
    expect(outcome.stdout).toMatch(/copied +100%/u)
    const record = await readRecord('record.json')
    expect(record).toMatchObject({ command: 'sweep', complete: true, seed: 5, path: { kind: 'loopback' } })
    expect(record.rows).toHaveLength(2 * 2 * 2 * 2)
    for (const row of record.rows) {
      expect(row.sends).toBeGreaterThan(0)
      expect(row.seconds).toBeGreaterThanOrEqual(0.03)
      // Every message of the round was released before the row was made.
      expect((row.zerocopySends ?? 0) + (row.copiedSends ?? 0)).toBeGreaterThanOrEqual(row.messages ?? 0)
      if (row.backend === 'errqueue-recvmsg') expect(row.notifiedIds).toBeGreaterThanOrEqual(row.messages ?? 0)
    }
    expect(await readdir('.')).toEqual(['record.json'])
  })

  it('measures auto at the writer level alone, and refuses to measure nothing', async () => {
    const paths = ['--transports', 'tcp4', '--backends', 'auto,copy', '--intervals', '4', '--rounds', '1', '--runtime-ms', '10']
    expect(await run(['sweep', ...paths, '--json', 'record.json'])).toMatchObject({ status: 0 })
    const { rows } = await readRecord('record.json')
    expect(rows.map(({ backend, level }) => `${backend} ${level}`).sort()).toEqual(['auto writer', 'copy driver', 'copy writer'])
    const none = await run(['sweep', '--backends', 'auto', '--levels', 'driver', ...paths.slice(4), '--transports', 'tcp4'])
    expect(none.status).toBe(2)
    expect(blame(none)).toContain('auto has no driver level')
  })

  it('writes its record under results/ unless told otherwise', async () => {
    expect(await run(['--transports', 'udp4', ...smallest])).toMatchObject({ status: 0 })
    expect(await readdir('results')).toEqual([expect.stringMatching(/^sweep-\d{8}T\d{6}Z\.json$/u)])
  })

  it('sends to bench serve as to another machine, and says what that cannot receive', async () => {
    const { startReceiver } = await import('@sendzc/socket')
    await using receiver = await startReceiver({ protocol: 'tcp', family: 4 })
    const outcome = await run(['--transports', 'tcp4,tcp6', '--to', `127.0.0.1:${receiver.port}`, ...smallest, '--json', 'record.json'])
    expect(outcome).toMatchObject({ status: 0 })
    expect(outcome.stdout).toContain('Left out: tcp6, since 127.0.0.1 has no IPv6 address.')
    const record = await readRecord('record.json')
    expect(record.path).toMatchObject({ kind: 'remote', host: '127.0.0.1' })
    const { bytes } = await receiver.stop()
    expect(bytes).toBeGreaterThanOrEqual(record.rows[0]?.bytes ?? 0)
  })

  it('keeps the rows that it has when it is interrupted', async () => {
    const args = ['--transports', 'tcp4', ...smallest, '--rounds', '1000', '--json', 'record.json']
    // Progress is shown after a measurement: from then on the next one is interrupted.
    const outcome = await run(args, (text) => {
      if (text.includes(' left ')) process.emit('SIGINT')
    })
    expect(outcome).toMatchObject({ status: 130 })
    const record = await readRecord('record.json')
    expect(record.complete).toBe(false)
    expect(record.rows.length).toBeLessThan(1_000)
  })
})

describe('bench serve', { timeout: TIMEOUT_MS }, () => {
  it('says where it receives, and ends when it is told to', async () => {
    const { openSocket } = await import('@sendzc/socket')
    let stdout = ''
    const restore = capture(process.stdout, (text) => {
      stdout += text
    })
    try {
      const serving = bench(['serve', '--transports', 'tcp4'])
      await vi.waitUntil(() => stdout.includes('Ready'), { timeout: TIMEOUT_MS, interval: 20 })
      const socket = await openSocket({ protocol: 'tcp', family: 4, host: '127.0.0.1', port: Number(/:(\d+)\n$/u.exec(stdout)?.[1]) })
      socket.close()
      process.emit('SIGINT')
      expect(await serving).toBe(0)
    } finally {
      restore()
    }
  })
})

describe('bench, given what it cannot do', { timeout: TIMEOUT_MS }, () => {
  it.each([
    [['sweep', '--transports', 'sctp'], 2, 'unknown "sctp"'],
    [['nonsense'], 2, 'There is no "nonsense"'],
    [['sweep', '--size', '65600', '--transports', 'udp4'], 2, 'do not fit one udp4 datagram'],
    [['sweep', '--to', 'host.invalid:9', ...smallest], 2, '"host.invalid" has no address'],
    [['sweep', '--cpus', '0,8191', '--transports', 'udp4', ...smallest], 2, 'CPU'],
    [['sweep', '--json', 'file/record.json', '--transports', 'udp4', ...smallest], 2, 'Cannot write the record file/record.json'],
    [['serve', '--port', '99999'], 2, '--port: "99999"'],
  ])('says so in one line: %j', async (args, status, expected) => {
    const { writeFile } = await import('node:fs/promises')
    await writeFile('file', '')
    const outcome = await run(args.includes('--json') || args[0] !== 'sweep' ? args : [...args, '--json', 'record.json'])
    expect(blame(outcome)).toContain(expected)
    expect(outcome.status).toBe(status)
    expect(existsSync('record.json')).toBe(false)
  })

  it.each(['tcp4', 'udp4'])('names the receiver that is not there: %s', async (transport) => {
    const outcome = await run(['sweep', '--to', '127.0.0.1:1', '--transports', transport, ...smallest, '--json', 'record.json'])
    expect(outcome.status).toBe(1)
    expect(blame(outcome)).toMatch(/refused/iu)
    expect(await readdir('.')).toEqual([])
  })
})
