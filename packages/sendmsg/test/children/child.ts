import { type ExecFileException, execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Worker } from 'node:worker_threads'
import { bundleProgram } from '@sendzc/core/fixtures'

/** How a child process ended. */
export interface ChildEnd {
  status: number | null
  signal: string | null
  stdout: string
  stderr: string
}

/** A child that ran under strace. */
export interface TracedEnd extends ChildEnd {
  /** One line per system call. */
  calls: string[]
}

const CHILD_TIMEOUT_MS = 60_000

/** The module that `script` of this folder is bundled into. */
function bundleOf(script: string): Promise<string> {
  return bundleProgram(fileURLToPath(new URL(script, import.meta.url)))
}

/** Arguments that make node run `script` of this folder. */
export async function nodeArguments(script: string, argument: unknown): Promise<string[]> {
  return ['--expose-gc', await bundleOf(script), JSON.stringify(argument)]
}

/** Starts `script` of this folder as a worker. */
export async function startWorker(script: string, workerData: unknown): Promise<Worker> {
  return new Worker(await bundleOf(script), { workerData })
}

/** Runs a command. */
export function runCommand([file = '', ...args]: readonly string[]): Promise<ChildEnd> {
  return run(file, args)
}

function run(file: string, args: string[]): Promise<ChildEnd> {
  return new Promise((resolve, reject) => {
    execFile(file, args, { timeout: CHILD_TIMEOUT_MS, maxBuffer: 64 << 20 }, (error: ExecFileException | null, stdout, stderr) => {
      if (error !== null && typeof error.code === 'string') reject(new Error(`${file} could not be run: ${error.code}`, { cause: error }))
      else
        resolve({
          status: error === null ? 0 : ((error.code as number | undefined) ?? null),
          signal: error?.signal ?? null,
          stdout,
          stderr,
        })
    })
  })
}

/** Runs `script` to its end. */
export async function runChild(script: string, argument: unknown): Promise<ChildEnd> {
  return run(process.execPath, await nodeArguments(script, argument))
}

/** Runs `script` behind `prefix`, a command that runs another. */
export async function runBehind(prefix: readonly string[], script: string, argument: unknown): Promise<ChildEnd> {
  return runCommand([...prefix, process.execPath, ...(await nodeArguments(script, argument))])
}

/** A command that runs another under a memlock limit, which CAP_IPC_LOCK would lift: root is left without it. */
export function withMemlock(limitBytes: number): string[] {
  const limit = ['prlimit', `--memlock=${limitBytes}:${limitBytes}`]
  return process.geteuid?.() === 0 ? ['setpriv', '--inh-caps=-ipc_lock', '--bounding-set=-ipc_lock', ...limit] : limit
}

/** Runs `script` in a network namespace of its own whose loopback device is up, after `setup` (shell commands). */
export async function runInNamespace(setup: string, script: string, argument: unknown): Promise<ChildEnd> {
  const shell = `ip link set lo up && ${setup} && exec "$0" "$@"`
  return run('unshare', ['--net', '--map-root-user', 'sh', '-ec', shell, process.execPath, ...(await nodeArguments(script, argument))])
}

/** Runs `script` under strace, which follows the calls in `trace` and applies `inject` (its `-e inject=` expressions). */
export async function runTraced(trace: string, inject: readonly string[], script: string, argument: unknown): Promise<TracedEnd> {
  const directory = mkdtempSync(join(tmpdir(), 'sendzc-strace-'))
  const log = join(directory, 'calls')
  try {
    const faults = inject.flatMap((expression) => ['-e', `inject=${expression}`])
    const args = ['-f', '--seccomp-bpf', '-qq', '-o', log, '-e', `trace=${trace}`, '-e', 'signal=none', ...faults]
    const end = await run('strace', [...args, process.execPath, ...(await nodeArguments(script, argument))])
    return {
      ...end,
      calls: readFileSync(log, 'utf8')
        .split('\n')
        .filter((line) => line.includes('(')),
    }
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}

/** Parses the output of a child; fails with all of it where the child did not end well. */
export function parsed<T>(end: ChildEnd): T {
  if (end.status !== 0) throw new Error(`the child ended with ${end.status ?? end.signal}: ${end.stderr}`)
  return JSON.parse(end.stdout) as T
}
