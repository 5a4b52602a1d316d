// Two machines in small: network namespaces joined by a cable, `bench serve` in one, every command that takes --to in the other.
import { type ChildProcess, execFileSync, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { BenchRecord } from '../src/record/record.js'
import { readRecord } from '../src/record/record-file.js'
import { groupRecords } from '../src/report/environment.js'
import { inFolderOfItsOwn, lacksSelftests, run, start } from './bench-run.js'

const TIMEOUT_MS = 120_000
const HERE = `sendzc-${process.pid}-here`
const THERE = `sendzc-${process.pid}-there`
const ADDRESS = '10.78.0.2'
const PORT = 9_000
const RPC_PORT = 9_001
const hasPerf = spawnSync('perf', ['--version']).error === undefined
inFolderOfItsOwn()

/** Why there can be no two hosts here; undefined = there can. */
function obstacle(): string | undefined {
  if (process.geteuid?.() !== 0) return 'needs root'
  const made = spawnSync('ip', ['netns', 'add', HERE], { encoding: 'utf8' })
  if (made.error !== undefined) return 'needs iproute2'
  return made.status === 0 ? undefined : `no network namespace can be made here: ${made.stderr.trim()}`
}

const reason = obstacle()
const servers: ChildProcess[] = []

function ip(text: string): void {
  execFileSync('ip', text.split(' '))
}

/** Settles when a server takes connections. */
async function serve(args: readonly string[]): Promise<void> {
  const server = await start(['serve', '--minutes', '5', ...args], { prefix: ['ip', 'netns', 'exec', THERE] })
  servers.push(server)
  server.stderr?.resume()
  for await (const line of createInterface({ input: server.stdout as NodeJS.ReadableStream })) if (line.startsWith('Ready')) return
  throw new Error('bench serve ended before it was ready')
}

/** Bytes that have left for the other one. */
function bytesOut(): number {
  return Number(execFileSync('ip', ['netns', 'exec', HERE, 'cat', '/sys/class/net/eth0/statistics/tx_bytes'], { encoding: 'utf8' }))
}

/** Runs a command, which has to send over the cable what its record says that it sent. */
async function sendsThere(args: readonly string[]): Promise<{ far: BenchRecord; stdout: string }> {
  const before = bytesOut()
  const outcome = await runHere([...args, '--json', 'far.json'])
  expect(outcome, outcome.stderr).toMatchObject({ status: 0 })
  const far = await readRecord('far.json')
  expect(far.path).toMatchObject({ kind: 'remote', host: ADDRESS })
  expect(far.rows.length).toBeGreaterThan(0)
  for (const { bytes } of far.rows) expect(bytes).toBeGreaterThan(0)
  expect(bytesOut() - before).toBeGreaterThanOrEqual(far.rows.reduce((sum, { bytes }) => sum + bytes, 0))
  return { far, stdout: outcome.stdout }
}

async function runHere(args: readonly string[]): Promise<{ status: unknown; stdout: string; stderr: string }> {
  const bench = await start(args, { prefix: ['ip', 'netns', 'exec', HERE] })
  let stdout = ''
  let stderr = ''
  bench.stderr?.on('data', (text: Buffer) => {
    stderr += text.toString()
  })
  bench.stdout?.on('data', (text: Buffer) => {
    stdout += text.toString()
  })
  const [status] = await once(bench, 'close')
  return { status, stdout, stderr }
}

beforeAll(async () => {
  if (reason !== undefined) return
  ip(`netns add ${THERE}`)
  ip(`link add eth0 netns ${HERE} type veth peer name eth0 netns ${THERE}`)
  for (const [namespace, address] of [
    [HERE, '10.78.0.1'],
    [THERE, ADDRESS],
  ] as const) {
    ip(`-n ${namespace} address add ${address}/24 dev eth0`)
    for (const device of ['lo', 'eth0']) ip(`-n ${namespace} link set ${device} up`)
  }
  await serve(['--port', String(PORT), '--transports', 'raw4,raw-hdrincl4,tcp4,udp4'])
  await serve(['--rpc', '--port', String(RPC_PORT)])
}, TIMEOUT_MS)

afterAll(async () => {
  if (reason !== undefined) return
  for (const server of servers) {
    const ended = once(server, 'close')
    server.kill('SIGINT')
    await ended
  }
  for (const namespace of [HERE, THERE]) ip(`netns del ${namespace}`)
}, TIMEOUT_MS)

describe.runIf(reason === undefined)(`two hosts${reason === undefined ? '' : ` (${reason})`}`, { timeout: TIMEOUT_MS }, () => {
  const cell = ['--transports', 'tcp4', '--backends', 'copy,errqueue-recvmmsg', '--rounds', '1']

  it.each<[string, string[], number]>([
    ['sweep', [...cell, '--intervals', '8', '--levels', 'driver', '--runtime-ms', '20'], PORT],
    ['sizes', [...cell, '--sizes', '4K', '--levels', 'driver', '--runtime-ms', '20'], PORT],
    ['ancestors', [...cell, '--sizes', '4K', '--runtime-ms', '20'], PORT],
    ['connections', [...cell, '--counts', '2', '--levels', 'driver', '--runtime-ms', '20'], PORT],
    ['latency', [...cell, '--rates', '10000', '--runtime-ms', '100'], PORT],
    ['rpc', ['--backends', 'errqueue-recvmmsg', '--rounds', '1', '--runtime-ms', '20'], RPC_PORT],
  ])('bench %s --to sends to the other one, and its record names the way', sendsAndNamesTheWay)

  it.runIf(lacksSelftests === '')(`bench peers --to does so, too${lacksSelftests}`, () =>
    sendsAndNamesTheWay(
      'peers',
      // TCP: an idle kernel can keep the last fragment of a received datagram, which is the sender's memory here, for longer than bench waits.
      ['--transports', 'tcp4', '--backends', 'errqueue-recvmsg', '--levels', 'driver', '--intervals', '8', '--rounds', '1'],
      PORT,
    ),
  )

  async function sendsAndNamesTheWay(command: string, args: readonly string[], port: number): Promise<void> {
    const { far } = await sendsThere([command, ...args, '--to', `${ADDRESS}:${port}`])
    const near = { ...far, path: { ...far.path, kind: 'loopback' as const, host: null } }
    const inGuest = { ...far, options: { ...far.options, machineModel: 'throughput' } }
    expect(groupRecords([far, near, inGuest])).toHaveLength(3)
  }

  it.runIf(hasPerf)('bench profile --to samples the sender, and its record names the way (needs perf)', async () => {
    const { far } = await sendsThere(['profile', ...cell, '--runtime-ms', '150', '--to', `${ADDRESS}:${PORT}`])
    expect(far.rows).toHaveLength(2)
    for (const { samples } of far.rows) expect(samples).toBeGreaterThan(10)
  })

  const lo = ['lo', '--rounds', '1', '--runtime-ms', '20', '--to', `${ADDRESS}:${PORT}`]

  it('bench lo --to sends over TCP, UDP and RAW, and does not claim to know what arrived', async () => {
    const { far, stdout } = await sendsThere([...lo, '--transports', 'tcp4,udp4,raw4,raw-hdrincl4', '--size', '1400'])
    const { rows, notes } = far
    expect([...new Set(rows.map(({ transport }) => transport))].sort()).toEqual(['raw-hdrincl4', 'raw4', 'tcp4', 'udp4'])
    for (const { received } of rows) expect(received).toBeUndefined()
    expect(notes).toContain('Rx and dropped are not known here: the other machine receives.')
    expect(stdout).toMatch(/^TCPv4 +-t +copy +- +- +[1-9]/mu)
  })

  it.each([
    [['--transports', 'tcp4,packet,vsock'], /bench: --to: packet and vsock cannot reach another machine/u],
    [['--transports', 'raw-hdrincl4'], /bench: .*raw-hdrincl4.*EMSGSIZE/u],
    [['--transports', 'tcp6'], /bench: --to: Left out: tcp6, since 10\.78\.0\.2 has no IPv6 address/u],
  ])('bench lo --to says in one line what cannot be sent there: %j', async (args, expected) => {
    const outcome = await runHere([...lo, ...args, '--json', 'far.json'])
    expect(outcome.status).not.toBe(0)
    expect(outcome.stderr).toMatch(expected)
    expect(existsSync('far.json')).toBe(false)
  })

  it('tells in one line that a port answers no calls', async () => {
    const outcome = await runHere(['rpc', '--backends', 'errqueue-recvmmsg', '--rounds', '1', '--to', `${ADDRESS}:9`, '--json', 'far.json'])
    expect(outcome.status).toBe(1)
    expect(outcome.stderr).toMatch(/bench: .*refused/iu)
  })
})

it('bench paper has no --to: both ends are here', async () => {
  const outcome = await run(['paper', '--to', `${ADDRESS}:${PORT}`])
  expect(outcome.status).toBe(2)
  expect(outcome.stderr).toContain("Unknown option '--to'")
})
