import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Worker } from 'node:worker_threads'
import { bundleProgram, type ProcessEnd, runToEnd } from '@sendzc/core/fixtures'

/** A child that ran under strace. */
export interface TracedEnd extends ProcessEnd {
  /** One line per system call. */
  calls: string[]
}

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

/** Runs `script` to its end. */
export async function runChild(script: string, argument: unknown): Promise<ProcessEnd> {
  return runToEnd([process.execPath, ...(await nodeArguments(script, argument))])
}

/** Runs `script` behind `prefix`, a command that runs another. */
export async function runBehind(prefix: readonly string[], script: string, argument: unknown): Promise<ProcessEnd> {
  return runToEnd([...prefix, process.execPath, ...(await nodeArguments(script, argument))])
}

/** A command that runs another under a memlock limit, which CAP_IPC_LOCK would lift: root is left without it. */
export function withMemlock(limitBytes: number): string[] {
  const limit = ['prlimit', `--memlock=${limitBytes}:${limitBytes}`]
  return process.geteuid?.() === 0 ? ['setpriv', '--inh-caps=-ipc_lock', '--bounding-set=-ipc_lock', ...limit] : limit
}

/** Runs `script` in a network namespace of its own whose loopback device is up, after `setup` (shell commands). */
export async function runInNamespace(setup: string, script: string, argument: unknown): Promise<ProcessEnd> {
  const shell = `ip link set lo up && ${setup} && exec "$0" "$@"`
  return runToEnd(['unshare', '--net', '--map-root-user', 'sh', '-ec', shell, process.execPath, ...(await nodeArguments(script, argument))])
}

/** Runs `script` under strace, which follows the calls in `trace` and applies `inject` (its `-e inject=` expressions). */
export async function runTraced(trace: string, inject: readonly string[], script: string, argument: unknown): Promise<TracedEnd> {
  const directory = mkdtempSync(join(tmpdir(), 'sendzc-strace-'))
  const log = join(directory, 'calls')
  try {
    const faults = inject.flatMap((expression) => ['-e', `inject=${expression}`])
    const args = ['-f', '--seccomp-bpf', '-qq', '-o', log, '-e', `trace=${trace}`, '-e', 'signal=none', ...faults]
    const end = await runToEnd(['strace', ...args, process.execPath, ...(await nodeArguments(script, argument))])
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
export function parsed<T>(end: ProcessEnd): T {
  if (end.status !== 0) throw new Error(`the child ended with ${end.status ?? end.signal}: ${end.stderr}`)
  return JSON.parse(end.stdout) as T
}
