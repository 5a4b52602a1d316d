import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Worker } from 'node:worker_threads'
import { bundleProgram, type ProcessEnd, runToEnd } from '@sendzc/core/fixtures'

/** The end of a child process. */
export interface ChildEnd extends ProcessEnd {
  /** One line per traced system call. */
  calls: string[]
}

/** The module that `script` of this folder is bundled into. */
function bundleOf(script: string): Promise<string> {
  return bundleProgram(fileURLToPath(new URL(script, import.meta.url)))
}

/** The command that runs `script` of this folder. */
async function command(script: string, argument: unknown): Promise<string[]> {
  return [process.execPath, '--expose-gc', await bundleOf(script), JSON.stringify(argument)]
}

/** Without libuv's own rings, which would be traced and counted with those of the addon. */
function run(command: readonly string[]): Promise<ProcessEnd> {
  return runToEnd(command, { ...process.env, UV_USE_IO_URING: '0' })
}

/** Runs `script` to its end, behind `prefix` (a command that runs another). */
export async function runChild(script: string, argument: unknown, prefix: readonly string[] = []): Promise<ChildEnd> {
  return { ...(await run([...prefix, ...(await command(script, argument))])), calls: [] }
}

/** Runs `script` in a network namespace of its own whose loopback device is up, after `setup` (shell commands). */
export function runInNamespace(setup: string, script: string, argument: unknown): Promise<ChildEnd> {
  return runChild(script, argument, ['unshare', '--net', '--map-root-user', 'sh', '-ec', `ip link set lo up && ${setup} && exec "$0" "$@"`])
}

const CAP_IPC_LOCK = 14
/** Where no account is likely to be, and few enough for the ids that a container of its own user namespace has. */
const FIRST_LONE_USER = 20_000
const LONE_USERS = 40_000
/** Users of one process of tests, at most. */
const LONE_USERS_OF_PROCESS = 8
let loneUsers = 0

/** Number of a user that no other process belongs to. */
function loneUser(): number {
  if (loneUsers === LONE_USERS_OF_PROCESS) throw new Error(`more than ${LONE_USERS_OF_PROCESS} users in one process of tests`)
  return FIRST_LONE_USER + ((process.pid * LONE_USERS_OF_PROCESS + loneUsers++) % LONE_USERS)
}

/** Names, for setpriv, of the capabilities that this process may use, but for the one that is `left` out. */
function capabilitiesWithout(left: number): string {
  const permitted = BigInt(`0x${/^CapPrm:\s*([0-9a-f]+)/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? '0'}`)
  const numbers = Array.from({ length: 64 }, (_, number) => number).filter((number) => number !== left)
  return numbers.flatMap((number) => (((permitted >> BigInt(number)) & 1n) === 1n ? [`+cap_${number}`] : [])).join()
}

/**
 * A command that runs another under a memlock limit. As root it is run by a user of its own: the kernel adds up what all processes of a user
 * have locked, and gives back that of a closed ring late, by a thread of its own, so that rings of other tests would count. It keeps root's
 * capabilities but for CAP_IPC_LOCK, which would lift the limit.
 */
export function withMemlock(limitBytes: number): string[] {
  const limit = ['prlimit', `--memlock=${limitBytes}:${limitBytes}`]
  if (process.geteuid?.() !== 0) return limit
  const kept = capabilitiesWithout(CAP_IPC_LOCK)
  const user = ['setpriv', `--reuid=${loneUser()}`, `--inh-caps=${kept}`, `--ambient-caps=${kept}`, '--bounding-set=-ipc_lock']
  return [...user, ...limit]
}

/**
 * Runs `script` under strace, which follows the calls in `trace` and applies `inject` (its `-e inject=` expressions).
 * @param prefix - a command that runs strace
 */
export async function runTraced(
  trace: string,
  inject: readonly string[],
  script: string,
  argument: unknown,
  prefix: readonly string[] = [],
): Promise<ChildEnd> {
  const directory = mkdtempSync(join(tmpdir(), 'sendzc-strace-'))
  const log = join(directory, 'calls')
  try {
    const faults = inject.flatMap((expression) => ['-e', `inject=${expression}`])
    const strace = ['strace', '-f', '--seccomp-bpf', '-qq', '-o', log, '-e', `trace=${trace}`, '-e', 'signal=none', ...faults]
    const end = await run([...prefix, ...strace, ...(await command(script, argument))])
    const calls = readFileSync(log, 'utf8').split('\n')
    return { ...end, calls: calls.filter((line) => line.includes('(')) }
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}

/**
 * Why faults of io_uring_enter cannot be injected where they could meet libuv's own ring; null where there is none. libuv aborts the process at an
 * error of its ring, and makes that ring whatever UV_USE_IO_URING says.
 */
export const ringOfLibuv: string | null =
  Number.parseInt(process.versions.node, 10) >= 22 ? 'since Node.js 22 libuv has a ring of its own, and aborts when that fails' : null

/** A call on our ring: libuv, which has a ring of its own since Node.js 22, sets no size for its completions and registers no descriptor. */
export const OWN_CALL = /IORING_SETUP_CQSIZE|IORING_ENTER_REGISTERED_RING/

/**
 * Which call of `syscall` is the `nth` on our ring (from 1), counted as strace counts for `when=`: all calls of one thread.
 * Found in a run of the script without faults.
 */
export async function positionOfOwn(syscall: string, nth: number, script: string, argument: unknown): Promise<number> {
  const { calls } = await runTraced(syscall, [], script, argument)
  const threadOf = (line: string): string | undefined => line.split(' ')[0]
  const thread = threadOf(calls.find((line) => OWN_CALL.test(line)) ?? '')
  let own = 0
  const at = calls.filter((line) => threadOf(line) === thread).findIndex((line) => OWN_CALL.test(line) && ++own === nth)
  if (at < 0) throw new Error(`the script makes fewer than ${nth} calls of ${syscall} on its ring`)
  return at + 1
}

/** Parses the output of a child; fails with all of it where the child did not end well. */
export function parsed<T>(end: ChildEnd): T {
  if (end.status !== 0) throw new Error(`the child ended with ${end.status ?? end.signal}: ${end.stderr}`)
  return JSON.parse(end.stdout) as T
}

/** Starts `script` of this folder as a worker. */
export async function startWorker(script: string, workerData: unknown): Promise<Worker> {
  return new Worker(await bundleOf(script), { workerData })
}
