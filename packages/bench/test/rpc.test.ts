import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { describe, expect, it, vi } from 'vitest'
import { bench } from '../src/bench.js'
import type { Row } from '../src/record/record.js'
import { readRecord } from '../src/record/record-file.js'
import { ANSWER_BYTES, MAX_REQUEST_BYTES, RequestCounter, requestHeader } from '../src/rpc/rpc-frame.js'
import { rpcChange, rpcPolicies, rpcTables } from '../src/tables/rpc-table.js'
import { blame, capture, inFolderOfItsOwn, run } from './bench-run.js'
import { row } from './rows.js'

const TIMEOUT_MS = 120_000
inFolderOfItsOwn()
const short = ['--rounds', '2', '--runtime-ms', '30', '--json', 'record.json']

describe('bench rpc, end to end', { timeout: TIMEOUT_MS }, () => {
  it('calls with small, large and mixed requests under every threshold, and records what each took', async () => {
    const outcome = await run(['rpc', '--backends', 'errqueue-recvmmsg,auto', ...short])
    expect(outcome).toMatchObject({ status: 0 })
    for (const text of [
      'TCPv4, small requests: 2 bytes',
      'TCPv4, large requests: 100352 bytes',
      'TCPv4, mixed requests: 2 and 100352 bytes',
    ])
      expect(outcome.stdout).toContain(text)
    expect(outcome.stdout).toMatch(/^errqueue-recvmmsg, always .* -7\.5% /mu)
    const { rows } = await readRecord('record.json')
    expect(rows).toHaveLength(3 * (3 + 1) * 2)
    for (const { rpc, sends, bytes, backend, zerocopySends, copiedSends } of rows) {
      const { workload, small, large, thresholdBytes } = rpc as NonNullable<typeof rpc>
      expect(sends).toBeGreaterThan(0)
      if (workload !== 'mixed') expect([small !== null, large !== null]).toEqual([workload === 'small', workload === 'large'])
      if (workload !== 'mixed') expect(bytes).toBe(sends * (workload === 'small' ? 2 : 100_352))
      // Loopback copies every send that asks for zero-copy, so that only the sum is certain.
      if (backend !== 'auto' && thresholdBytes !== 0) expect((zerocopySends ?? 0) + (copiedSends ?? 0)).toBeGreaterThanOrEqual(sends)
    }
    // The mix of a round is the same for every path.
    const mixed = rows.filter(({ rpc, round }) => rpc?.workload === 'mixed' && round === 0)
    expect(mixed.length).toBe(4)
    // A row may have a single call, on a machine with other work.
    expect(rows.some(({ rpc }) => rpc?.workload === 'mixed' && rpc.small !== null && rpc.large !== null)).toBe(true)
  })

  it('calls a responder elsewhere, with thresholds and sizes as asked', async () => {
    const { RpcResponder } = await import('../src/rpc/rpc-responder.js')
    await using responder = await RpcResponder.start({ host: '127.0.0.1', port: 0, cpu: null })
    const args = [
      '--backends',
      'uring',
      '--thresholds',
      '0,never',
      '--small',
      '1K',
      '--large',
      '64K',
      '--to',
      `127.0.0.1:${responder.port}`,
    ]
    expect(await run(['rpc', ...args, ...short])).toMatchObject({ status: 0 })
    expect((await readRecord('record.json')).path).toMatchObject({ kind: 'remote', host: '127.0.0.1' })
  })

  it('has bench serve --rpc answer, until it is told to end', async () => {
    let stdout = ''
    const restore = capture(process.stdout, (text) => {
      stdout += text
    })
    try {
      const serving = bench(['serve', '--rpc'])
      await vi.waitUntil(() => stdout.includes('Ready'), { timeout: TIMEOUT_MS, interval: 20 })
      const socket = connect(Number(/bench rpc --to \S+:(\d+)\n$/u.exec(stdout)?.[1]), '127.0.0.1')
      socket.write(Buffer.concat([requestHeader(3), Buffer.from('abc')]))
      const [answer] = (await once(socket, 'data')) as [Buffer]
      expect(answer.byteLength).toBe(ANSWER_BYTES)
      socket.destroy()
      process.emit('SIGINT')
      expect(await serving).toBe(0)
    } finally {
      restore()
    }
  })

  it('has a responder that outlives the Ctrl-C of a terminal, for the measurement that goes on', async () => {
    const { RpcResponder } = await import('../src/rpc/rpc-responder.js')
    await using responder = await RpcResponder.start({ host: '127.0.0.1', port: 0, cpu: null })
    process.kill(responder.pid, 'SIGINT')
    const args = ['--backends', 'uring', '--thresholds', 'never', '--to', `127.0.0.1:${responder.port}`]
    expect(await run(['rpc', ...args, ...short])).toMatchObject({ status: 0 })
  })

  it('says so when the other end closes instead of answering', async () => {
    const server = createServer((socket) => socket.on('data', () => socket.end())).listen(0, '127.0.0.1')
    await new Promise((resolve) => server.once('listening', resolve))
    const address = server.address()
    const port = typeof address === 'object' && address !== null ? address.port : 0
    const outcome = await run(['rpc', '--backends', 'uring', '--to', `127.0.0.1:${port}`, ...short])
    server.close()
    expect(outcome.status).toBe(1)
    expect(blame(outcome)).toMatch(/tcp4 .* uring writer \(mixed, zero-copy .*\): /u)
    expect(existsSync('record.json')).toBe(false)
  })

  it.each([
    [['--transports', 'udp4'], 2, 'unknown "udp4"'],
    [['--backends', 'copy'], 2, 'unknown "copy"'],
    [['--thresholds', '10K,sometimes'], 2, '"10K,sometimes" is not a list of bytes'],
    [['--small', '1M'], 2, 'are more than --large'],
    [['--to', '127.0.0.1:1', '--backends', 'uring'], 1, 'ECONNREFUSED'],
  ])('says in one line what it cannot do: %j', async (args, status, expected) => {
    const outcome = await run(['rpc', ...args, ...short])
    expect(blame(outcome)).toContain(expected)
    expect(outcome.status).toBe(status)
    expect(existsSync('record.json')).toBe(false)
  })
})

describe('requests', () => {
  it('are counted in whatever pieces they arrive', () => {
    const sizes = [0, 1, 3, 70_000, 2]
    const stream = Buffer.concat(sizes.flatMap((size) => [requestHeader(size), new Uint8Array(size)]))
    // An empty request ends with its header.
    for (const piece of [1, 3, 4, 5, 4_096, stream.byteLength]) {
      const counter = new RequestCounter()
      let ended = 0
      for (let at = 0; at < stream.byteLength; at += piece) ended += counter.push(stream.subarray(at, at + piece))
      expect(ended, `pieces of ${piece}`).toBe(sizes.length)
    }
  })

  it('are refused where they are none', () => {
    expect(() => new RequestCounter().push(requestHeader(MAX_REQUEST_BYTES + 1))).toThrow(RangeError)
  })
})

describe('the table of rpc', () => {
  const rounds = (backend: Row['backend'], thresholdBytes: number | null, us: number): Row[] =>
    [0, 1, 2].map((round) =>
      row({
        backend,
        level: 'writer',
        round,
        sends: 1_000,
        seconds: (us * (1 + round)) / 1_000,
        rpc: { workload: 'large', thresholdBytes, smallBytes: 2, largeBytes: 100_352, small: null, large: null },
      }),
    )

  it('compares each threshold with never on the same path, auto with the first, paired by round', () => {
    const rows = [
      ...rounds('errqueue-recvmsg', null, 100),
      ...rounds('errqueue-recvmsg', 0, 77),
      ...rounds('uring', null, 200),
      ...rounds('uring', 10_240, 100),
      ...rounds('auto', 10_240, 110),
    ]
    const changes = rpcPolicies(rows).map((policy) => [policy.title, rpcChange(policy)?.median])
    expect(changes).toEqual([
      ['errqueue-recvmsg, always', 0.77],
      ['errqueue-recvmsg, never', undefined],
      ['uring, from 10240 bytes', 0.5],
      ['uring, never', undefined],
      ['auto', 1.1],
    ])
    const lines = rpcTables(rows)
    expect(lines.find((line) => line.startsWith('errqueue-recvmsg, always'))).toMatch(/-23\.0% \[-23\.0, -23\.0\] +-23% .*100%$/u)
  })
})
