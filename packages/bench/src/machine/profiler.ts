import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Readable, Writable } from 'node:stream'
import { PerfCounter } from '@sendzc/socket'
import { BenchFailure, ExitStatus, messageOf } from '../cli/failure.js'
import type { Row } from '../record/record.js'

/** Samples a second of each thread: no divisor of the timer's frequency, so that the two do not fall into step. */
export const SAMPLES_PER_SECOND = 1_999

/** Symbols that a row keeps. The others have a few samples each and are added up by place, as {@link OTHERS}. */
const MAX_SYMBOLS = 60

/** Name of the entry that adds up many symbols of one place. */
export const OTHERS = 'all others'

/** How long, in ms, perf may take to obey or to end. */
const PERF_TIMEOUT_MS = 20_000

/** Bits of CapEff in /proc/self/status (capabilities(7)). */
const CAP_SYS_ADMIN = 21n
const CAP_PERFMON = 38n

/** The event by which perf samples. */
export type SampleEvent = 'cycles' | 'cpu-clock'

/** Where the samples of one measurement fell, most first. */
export interface Profile {
  /** All samples. */
  samples: number
  symbols: NonNullable<Row['symbols']>
}

/**
 * Finds out, before anything is measured, whether perf can sample the kernel here.
 * @returns the event to sample by: cycles where the hardware counts them, else CPU time
 * @throws BenchFailure with cause and remedy: no perf, kernel.perf_event_paranoid, kernel.kptr_restrict
 */
export function checkProfiler(): SampleEvent {
  const { error, status, stderr } = spawnSync('perf', ['--version'], { encoding: 'utf8' })
  if (error !== undefined) {
    throw new BenchFailure(
      `perf is not here (${messageOf(error)}). Install it: apt-get install linux-perf (Debian), linux-tools-generic (Ubuntu), perf (Fedora, Arch).`,
    )
  }
  if (status !== 0) throw new BenchFailure(`perf does not run: ${stderr.trim()} Install the one for this kernel.`)
  const paranoid = Number(readFileSync('/proc/sys/kernel/perf_event_paranoid', 'utf8'))
  if (paranoid > 1 && !hasCapability(CAP_PERFMON) && !hasCapability(CAP_SYS_ADMIN)) {
    throw new BenchFailure(
      `kernel.perf_event_paranoid is ${paranoid}, so perf may not sample the kernel. sysctl -w kernel.perf_event_paranoid=1, or run as root.`,
    )
  }
  if (/^0+ /u.test(readFileSync('/proc/kallsyms', 'utf8').slice(0, 32))) {
    const restrict = readFileSync('/proc/sys/kernel/kptr_restrict', 'utf8').trim()
    throw new BenchFailure(
      `The kernel hides its symbols from this process (kernel.kptr_restrict is ${restrict}). sysctl -w kernel.kptr_restrict=0, or run as root.`,
    )
  }
  try {
    PerfCounter.open('cycles', 'process').close()
    return 'cycles'
  } catch {
    return 'cpu-clock'
  }
}

function hasCapability(bit: bigint): boolean {
  const effective = /^CapEff:\s*([0-9a-f]+)$/mu.exec(readFileSync('/proc/self/status', 'utf8'))?.[1]
  return effective !== undefined && ((BigInt(`0x${effective}`) >> bit) & 1n) === 1n
}

/**
 * Samples every thread of this process while something runs.
 * @returns the result of `run`, and where the samples fell
 * @throws BenchFailure when perf fails; errors of `run`
 */
export async function profiled<T>(event: SampleEvent, run: () => Promise<T>): Promise<{ result: T; profile: Profile }> {
  const folder = await mkdtemp(join(tmpdir(), 'sendzc-perf-'))
  try {
    const data = join(folder, 'perf.data')
    const result = await recorded(event, data, run)
    return { result, profile: await readProfile(data) }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** perf begins to sample at a command over its control descriptor, and answers once it does: its start is not measured. */
async function recorded<T>(event: SampleEvent, data: string, run: () => Promise<T>): Promise<T> {
  const target = ['-p', String(process.pid), '-e', event, '-F', String(SAMPLES_PER_SECOND), '-o', data]
  const child = spawn('perf', ['record', '-q', '-N', '-D', '-1', '--control=fd:3,4', ...target], {
    stdio: ['ignore', 'ignore', 'pipe', 'pipe', 'pipe'],
    // Detached, since Ctrl-C is for the run, which ends perf itself.
    detached: true,
  })
  let said = ''
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    said = (said + text).slice(-2_000)
  })
  const ended = once(child, 'close')
  const [control, answers] = [child.stdio[3] as Writable, child.stdio[4] as Readable]
  control.on('error', () => undefined)
  const tell = async (command: string): Promise<void> => {
    const answered = once(answers, 'data', { signal: AbortSignal.timeout(PERF_TIMEOUT_MS) })
    control.write(`${command}\n`)
    const obeyed = await Promise.race([answered.then(() => true), ended.then(() => false)])
    if (!obeyed) throw new BenchFailure(`perf record failed: ${said.trim()}`, ExitStatus.Failed)
  }
  try {
    await tell('enable')
    const result = await run()
    await tell('disable')
    return result
  } finally {
    child.kill('SIGINT')
    const timer = setTimeout(() => child.kill('SIGKILL'), PERF_TIMEOUT_MS)
    await ended.finally(() => clearTimeout(timer))
  }
}

async function readProfile(data: string): Promise<Profile> {
  const child = spawn('perf', ['script', '-i', data, '-F', 'ip,sym,dso'], { stdio: ['ignore', 'pipe', 'ignore'] })
  const ended = once(child, 'close')
  const lines: string[] = []
  for await (const line of createInterface({ input: child.stdout })) lines.push(line)
  const [status] = (await ended) as [number | null]
  if (status !== 0) throw new BenchFailure(`perf script failed with status ${status}.`, ExitStatus.Failed)
  return countSamples(lines)
}

/**
 * Counts samples by symbol.
 * @param lines - of `perf script -F ip,sym,dso`: `  ffffffff81a2b3c4 tcp_sendmsg ([kernel.kallsyms])`
 */
export function countSamples(lines: Iterable<string>): Profile {
  const counts = new Map<string, { name: string; where: string; samples: number }>()
  let samples = 0
  for (const line of lines) {
    const found = /^\s*[0-9a-f]+ (.+) \(((?:\/|\[).*)\)$/u.exec(line)
    if (found === null) continue
    samples++
    const [, symbol = '', object = ''] = found
    const where = placeOf(object)
    const name = symbol === '[unknown]' ? 'unknown' : symbol
    const key = `${where} ${name}`
    const known = counts.get(key)
    if (known === undefined) counts.set(key, { name, where, samples: 1 })
    else known.samples++
  }
  const sorted = [...counts.values()].sort((a, b) => b.samples - a.samples || a.name.localeCompare(b.name))
  const others = new Map<string, number>()
  for (const { where, samples: own } of sorted.slice(MAX_SYMBOLS)) others.set(where, (others.get(where) ?? 0) + own)
  const kept = [...sorted.slice(0, MAX_SYMBOLS), ...[...others].map(([where, own]) => ({ name: OTHERS, where, samples: own }))]
  return { samples, symbols: kept.map((one) => ({ ...one, share: one.samples / samples })) }
}

/** The kernel and its modules are one place; code that V8 compiled has no file. */
function placeOf(object: string): string {
  if (object.startsWith('[kernel') || object.startsWith('[guest.kernel') || /^\[[a-z0-9_]+\]$/u.test(object)) {
    return object === '[unknown]' ? 'JavaScript' : object === '[vdso]' ? 'vdso' : 'kernel'
  }
  return object.startsWith('/memfd:') || object.includes('/perf-') || object.startsWith('[') ? 'JavaScript' : basename(object)
}
