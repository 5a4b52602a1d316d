import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, readdir, readFile, rename, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { type Cell, familyOf, isStream, type SelftestPath } from '../cells/cell.js'
import type { Turn } from '../cells/turn.js'
import { BenchFailure, ExitStatus, messageOf } from '../cli/failure.js'
import type { Destination } from '../ends/connect.js'
import type { SocketSettings } from '../ends/socket-settings.js'
import type { Processors } from '../machine/processors.js'
import type { Row } from '../record/record.js'
import { runProgram } from './child-program.js'

const run = promisify(execFile)

/** The program's name. */
const PROGRAM = 'zc_throughput'

/** Its sources, from this file, compiled or not. */
const SOURCES = fileURLToPath(new URL('../../../../kernel/selftests', import.meta.url))

/** Bounds in ms: of compiling, and of a run beyond the time that it sends for. */
const LIMIT_MS = { compile: 60_000, run: 30_000 } as const

/** What the program calls each path. */
const MODES = {
  'errqueue-recvmsg': 'classic',
  'errqueue-recvmmsg': 'mmsg',
  inline: 'inline',
  uring: 'uring',
  never: 'never',
  copy: 'none',
} as const

/** A path that the C sender has. */
export type ThroughputPath = keyof typeof MODES & (SelftestPath | Cell['backend'])

/** A cell of the C sender. */
export interface ThroughputCell extends Cell {
  backend: ThroughputPath
  level: 'selftest'
}

/** True for a path that the C sender has. */
export function isThroughputPath(backend: Cell['backend']): backend is ThroughputPath {
  return Object.hasOwn(MODES, backend)
}

/**
 * The C sender of kernel/selftests: the one that `vm run` has compiled for its guest (SENDZC_VM_SELFTESTS), else one compiled now, which
 * stays in `$XDG_CACHE_HOME/sendzc` or `~/.cache/sendzc`.
 * @returns the program's path
 * @throws BenchFailure when it does not compile, or where the sources are not there: outside a checkout
 */
export async function findThroughput(environment: NodeJS.ProcessEnv = process.env): Promise<string> {
  const given = environment.SENDZC_VM_SELFTESTS
  if (given !== undefined && existsSync(join(given, PROGRAM))) return join(given, PROGRAM)
  if (!existsSync(join(SOURCES, 'Makefile')))
    throw new BenchFailure(`There is no ${SOURCES}: the C level needs a checkout. Use --levels driver,writer.`)
  const cache = join(environment.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'sendzc', 'throughput', await hashOf(SOURCES))
  const program = join(cache, PROGRAM)
  if (existsSync(program)) return program
  const temporary = `${cache}.${process.pid}.tmp`
  try {
    await mkdir(temporary, { recursive: true })
    await run('make', ['-s', '-C', SOURCES, `OUT=${temporary}`, join(temporary, PROGRAM)], { timeout: LIMIT_MS.compile })
    await mkdir(cache, { recursive: true })
    await rename(join(temporary, PROGRAM), program)
    return program
  } catch (error) {
    throw new BenchFailure(`Cannot compile ${PROGRAM} (apt-get install -y gcc make libc6-dev): ${messageOf(error)}`, undefined, error)
  } finally {
    await rm(temporary, { recursive: true, force: true })
  }
}

async function hashOf(folder: string): Promise<string> {
  const hash = createHash('sha256')
  for (const name of (await readdir(folder)).filter((one) => /\.[ch]$|^Makefile$/u.test(one)).sort()) {
    hash.update(`${name}\0`).update(await readFile(join(folder, name)))
  }
  return hash.digest('hex').slice(0, 24)
}

/** How the C sender is run. */
export interface ThroughputContext {
  program: string
  /** Time that it sends for, in ms. */
  runtimeMs: number
  processors: Processors
  settings: SocketSettings
  /** Where it sends to; without it to a receiver of its own. */
  destination?: Destination | undefined
}

/** Its arguments for a cell. */
export function throughputArguments(
  cell: ThroughputCell,
  port: number,
  { runtimeMs, processors, settings, destination }: Omit<ThroughputContext, 'program'>,
): string[] {
  const { sender, receiver } = processors
  return [
    `-${familyOf(cell.transport)}`,
    ...[
      '-l',
      String(cell.interval),
      '-s',
      String(cell.sizeBytes),
      '-t',
      String(runtimeMs / 1_000),
      '-z',
      MODES[cell.backend],
      '-p',
      String(port),
    ],
    ...(destination === undefined ? [] : ['-D', destination.host]),
    ...(sender === null ? [] : ['-C', String(sender)]),
    ...(receiver === null ? [] : ['-R', String(receiver)]),
    ...(settings.congestionControl === null ? [] : ['-A', settings.congestionControl]),
    isStream(cell.transport) ? 'tcp' : 'udp',
  ]
}

/**
 * Runs the C sender for one cell. On TCP to its own receiver its time ends when that has everything; otherwise with the last notification.
 * @throws CutOff when the user ended it, BenchFailure when it fails
 */
export async function runThroughput(cell: ThroughputCell, turn: Turn, context: Omit<ThroughputContext, 'runtimeMs'>): Promise<Row> {
  const { round, position, runtimeMs, signal } = turn
  const args = throughputArguments(cell, context.destination?.port ?? (await freePort()), { ...context, runtimeMs })
  try {
    const { stdout } = await runProgram(context.program, args, { timeoutMs: runtimeMs + LIMIT_MS.run, signal })
    return throughputRow(cell, round, position, stdout)
  } catch (error) {
    if (error instanceof BenchFailure) throw error
    throw new BenchFailure(`${PROGRAM} failed: ${messageOf(error)}`, ExitStatus.Failed, error)
  }
}

/**
 * Makes a row of the program's output. The row does not count its poll before each send, just as it does not count the waits of an event loop.
 * @throws BenchFailure when it printed something else
 */
export function throughputRow(cell: ThroughputCell, round: number, position: number, output: string): Row {
  const value = (name: string): number => {
    const text = new RegExp(`\\b${name}=([\\d.]+)`, 'u').exec(output)?.[1]
    if (text === undefined) throw new BenchFailure(`${PROGRAM} printed no ${name}: ${output.slice(0, 200)}`, ExitStatus.Failed)
    return Number(text)
  }
  const sends = value('sends')
  // io_uring is not asked: it says of joined sends that they were copied, whether they were or not.
  const copied = cell.backend === 'uring' ? null : value('copied')
  const notifications = value('notifications')
  const asked = cell.backend !== 'copy'
  const sendCalls = sends + value('blocked')
  const collectCalls = value('syscalls') - value('polls') - sendCalls
  const cpuUs = Math.round(value('sender_cpu_s') * 1e6)
  const cpuUserUs = Math.min(cpuUs, Math.round(value('sender_user_s') * 1e6))
  return {
    ...cell,
    round,
    position,
    connections: 1,
    sends,
    bytes: Math.round(value('MB') * 1e6),
    seconds: value('elapsed_s'),
    cpuUserUs,
    cpuSystemUs: cpuUs - cpuUserUs,
    messages: sends,
    notifications,
    notifiedIds: asked ? sends : 0,
    zerocopySends: !asked ? 0 : copied === null ? null : sends - copied,
    copiedSends: asked ? copied : sends,
    sendCalls,
    collectCalls,
    emptyCollectCalls: value('empty'),
    callsPerSend: sends === 0 ? null : (sendCalls + collectCalls) / sends,
    rangeWidthIds: notifications === 0 ? null : sends / notifications,
    partialSends: null,
    fullSockets: value('blocked'),
    noBuffers: null,
  }
}

/** A TCP port that nobody listens on; the program binds the same number over UDP. */
async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(0, '127.0.0.1', resolve))
  const address = server.address()
  await new Promise((resolve) => server.close(resolve))
  if (address === null || typeof address === 'string') throw new TypeError('A TCP server has no port.')
  return address.port
}
