// Runs the program inside a test, in a folder of its own.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, vi } from 'vitest'
import { bench } from '../src/bench.js'
import { type ExitStatusCode, runToStatus } from '../src/failure.js'

/** What a command left. */
export interface Outcome {
  status: ExitStatusCode
  stdout: string
  stderr: string
}

/** Keeps what is written, and tells `onWrite` of it. */
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
