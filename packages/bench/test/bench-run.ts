// Runs the program inside a test, in a folder of its own.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { mkdtemp, rm, watch } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { bundleProgram } from '@sendzc/core/fixtures'
import { afterEach, beforeEach, expect, vi } from 'vitest'
import { bench } from '../src/bench.js'
import { findArchive } from '../src/c-programs/selftests.js'
import { type ExitStatusCode, runToStatus } from '../src/cli/failure.js'

/** The result of a command. */
export interface Outcome {
  status: ExitStatusCode
  stdout: string
  stderr: string
}

/**
 * Why `bench peers` cannot build the kernel's selftests here, in brackets behind the name of a test; empty = it can. It would install their source
 * for a user; a test installs nothing.
 */
export const lacksSelftests = (await findArchive()) === undefined ? ' (needs linux-source)' : hasProgram('gcc') ? '' : ' (needs gcc)'

function hasProgram(name: string): boolean {
  return spawnSync(name, ['--version'], { stdio: 'ignore' }).error === undefined
}

/** Keeps the written text, and calls `onWrite` with it. */
export function capture(stream: NodeJS.WriteStream, onWrite: (text: string) => void): () => void {
  const spy = vi.spyOn(stream, 'write').mockImplementation((text) => {
    onWrite(String(text))
    return true
  })
  return () => spy.mockRestore()
}

/** Runs `bench ARGS` to its end, as cli.ts does. */
export async function run(args: readonly string[], onStderr: (text: string) => void = () => undefined): Promise<Outcome> {
  let stdout = ''
  let stderr = ''
  const restoreOut = capture(process.stdout, (text) => {
    stdout += text
  })
  const restoreErr = capture(process.stderr, (text) => {
    stderr += text
    onStderr(text)
  })
  try {
    return { status: await runToStatus('bench', () => bench(args)), stdout, stderr }
  } finally {
    restoreOut()
    restoreErr()
  }
}

/** Path of the program `bench`, as plain node runs it. */
export function benchProgram(): Promise<string> {
  return bundleProgram(fileURLToPath(new URL('../src/cli.ts', import.meta.url)))
}

/**
 * The program in a process of its own, which can be killed.
 * @param prefix - a command that starts it, as `ip netns exec NAME`
 */
export async function start(
  args: readonly string[],
  { prefix = [], detached = false }: { prefix?: string[]; detached?: boolean } = {},
): Promise<ChildProcess> {
  const [command = '', ...rest] = [...prefix, process.execPath, await benchProgram(), ...args]
  return spawn(command, rest, { stdio: ['ignore', 'pipe', 'pipe'], detached })
}

/** Settles when the first row of record.json is on disk: its journal appears with it. */
export async function firstRowKept(): Promise<void> {
  for await (const { filename } of watch('.')) if (filename === 'record.json.partial') return
}

/** The one line that a failure is. */
export function blame({ stderr }: Outcome): string {
  const lines = stderr.split('\n').filter((line) => line.startsWith('bench: '))
  expect(lines).toHaveLength(1)
  expect(stderr).not.toMatch(/^ {4}at /mu)
  return lines[0] ?? ''
}

/** Gives every test of a file an empty folder as its working folder. */
export function inFolderOfItsOwn(): void {
  const workingFolder = process.cwd()
  let folder = ''
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'sendzc-bench-'))
    process.chdir(folder)
  })
  afterEach(async () => {
    process.chdir(workingFolder)
    await rm(folder, { recursive: true })
  })
}
