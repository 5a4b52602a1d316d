import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { setTimeout as pause } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { buildSelftests } from '../src/c-programs/selftests.js'
import { findThroughput } from '../src/c-programs/zc-throughput.js'
import { readRecord } from '../src/record/record-file.js'
import { firstRowKept, inFolderOfItsOwn, lacksSelftests, run, start } from './bench-run.js'

const TIMEOUT_MS = 120_000
/** Between two looks for a program, in ms. */
const LOOK_MS = 5
inFolderOfItsOwn()

const common = [
  '--backends',
  'errqueue-recvmsg',
  '--transports',
  'udp4',
  '--intervals',
  '8',
  '--rounds',
  '2',
  '--cpus',
  '0,1',
  '--json',
  'record.json',
]

/** Commands that have cells of a C program: their options, the beginning of its name, and how many rows a whole run has. */
const WITH_C = [
  ['peers', [...common, '--levels', 'driver', '--runtime-ms', '20'], 'msg_zerocopy', 4, lacksSelftests],
  // Long enough that the signal finds it running.
  ['paper', [...common, '--levels', 'selftest', '--runtime-ms', '500'], 'zc_throughput', 4, ''],
] as const

/** The processes that get the signal: Ctrl-C reaches every process of a terminal, `kill` the one that it names. */
const REACHES = [
  ['Ctrl-C', (bench: number): void => void process.kill(-bench, 'SIGINT')],
  ['kill -INT of the program alone', (bench: number): void => void process.kill(bench, 'SIGINT')],
] as const

/** Starts the program in a group of its own, and waits for its first row: a program that ends without one must not be waited for. */
async function measuring(args: readonly string[]): Promise<{ bench: ChildProcess; ended: Promise<{ status: unknown; stderr: string }> }> {
  const kept = firstRowKept()
  const bench = await start(args, { detached: true })
  let stderr = ''
  bench.stderr?.on('data', (text: Buffer) => {
    stderr += text.toString()
  })
  bench.stdout?.resume()
  const ended = once(bench, 'close').then(([status]: unknown[]) => ({ status, stderr }))
  const endedEarly = ended.then(({ status }) => {
    throw new Error(`bench ended with ${status} before it kept a row: ${stderr}`)
  })
  await Promise.race([kept, endedEarly])
  return { bench, ended }
}

/** A process and everything below it. */
function family(pid: number): number[] {
  try {
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').filter(Boolean).map(Number)
    return [pid, ...children.flatMap(family)]
  } catch {
    return []
  }
}

function nameOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0', 1)[0]?.replace(/^.*\//u, '') ?? ''
  } catch {
    return ''
  }
}

/** Waits for the C program; it and what it has started. */
async function programOf(bench: ChildProcess, name: string): Promise<number[]> {
  for (;;) {
    if (bench.exitCode !== null) throw new Error(`bench ended before it ran ${name}`)
    const found = family(bench.pid as number).find((pid) => nameOf(pid).startsWith(name))
    if (found !== undefined) return family(found)
    await pause(LOOK_MS)
  }
}

/** False also for a zombie whose parent has not read its status yet. */
function runs(pid: number): boolean {
  return existsSync(`/proc/${pid}`) && !/^State:\tZ/mu.test(readFileSync(`/proc/${pid}/status`, 'utf8'))
}

describe.each(WITH_C)(
  'bench %s, interrupted while its C program measures',
  { timeout: TIMEOUT_MS },
  (command, args, name, turns, lacks) => {
    const reaches = REACHES.map(([who, interrupt]) => [`${who}${lacks}`, interrupt] as const)
    it.runIf(lacks === '').each(reaches)('by %s, ends the program, keeps the rows before it, and goes on', async (_who, interrupt) => {
      // Compiled before, so that the run does not compile.
      await (command === 'peers' ? buildSelftests(() => undefined) : findThroughput())
      const { bench, ended } = await measuring([command, ...args])
      const programs = await programOf(bench, name)
      interrupt(bench.pid as number)
      const { status, stderr } = await ended
      expect(status, stderr).toBe(130)
      expect(stderr).toContain(`bench ${command} --resume record.json goes on.`)
      expect(programs.filter(runs)).toEqual([])
      const before = await readRecord('record.json')
      expect(before.complete).toBe(false)
      expect(before.rows.length).toBeGreaterThan(0)
      expect(before.rows.length).toBeLessThan(turns)
      expect(await readdir('.')).toEqual(['record.json'])

      expect(await run([command, '--resume', 'record.json'])).toMatchObject({ status: 0 })
      const after = await readRecord('record.json')
      expect(after.complete).toBe(true)
      expect(after.rows.map(({ position }) => position)).toEqual(Array.from({ length: turns }, (_, at) => at))
      expect(after.rows.slice(0, before.rows.length)).toEqual(before.rows)
    })
  },
)

const ONE_CELL = ['--transports', 'tcp4', '--runtime-ms', '300', '--rounds', '6', '--cpus', '0,1', '--json', 'record.json']

/** Commands whose other end is a process of its own, in the same group. */
const WITH_OTHER_END = [
  ['sweep', [...ONE_CELL, '--backends', 'copy', '--levels', 'driver', '--intervals', '8']],
  ['rpc', [...ONE_CELL, '--backends', 'errqueue-recvmsg', '--thresholds', 'never']],
] as const

describe.each(WITH_OTHER_END)('bench %s, interrupted while it measures', { timeout: TIMEOUT_MS }, (command, args) => {
  it.each(['SIGINT', 'SIGTERM'] as const)('by %s to the whole group, finishes the measurement and keeps it', async (signal) => {
    const { bench, ended } = await measuring([command, ...args])
    process.kill(-(bench.pid as number), signal)
    const { status, stderr } = await ended
    expect(status, stderr).toBe(130)
    expect(stderr).toContain(`bench ${command} --resume record.json goes on.`)
    expect(await readdir('.')).toEqual(['record.json'])
  })
})
