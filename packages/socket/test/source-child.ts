// Runs a fixture as a process of its own, from the sources.
import { type ChildProcess, spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { bundleProgram } from '@sendzc/core/fixtures'

/** Bound of a fixture's life, in ms. */
const MAX_FIXTURE_MS = 25_000

export interface FixtureOptions {
  args?: string[]
  /** Runs as this user and group, and so without capabilities. */
  uid?: number
  /** A command that runs Node.js, for example `['setpriv', '--bounding-set=-net_raw']`. */
  through?: string[]
}

export async function spawnFixture(name: string, { args = [], uid, through = [] }: FixtureOptions = {}): Promise<ChildProcess> {
  const fixture = await bundleProgram(fileURLToPath(new URL(`./fixtures/${name}.ts`, import.meta.url)))
  const [command = '', ...rest] = [...through, process.execPath, fixture, ...args]
  return spawn(command, rest, {
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: MAX_FIXTURE_MS,
    killSignal: 'SIGKILL',
    ...(uid !== undefined && { uid, gid: uid }),
  })
}

export interface FixtureEnd {
  code: number | null
  signal: NodeJS.Signals | null
  stdout: string
  stderr: string
}

export function fixtureEnd(child: ChildProcess): Promise<FixtureEnd> {
  let stdout = ''
  let stderr = ''
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    stdout += text
  })
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    stderr += text
  })
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code, signal) => resolve({ code, signal, stdout, stderr }))
  })
}

/** The JSON that a fixture printed; the test fails with its stderr where it ended otherwise. */
export async function fixtureResult(name: string, options?: FixtureOptions): Promise<unknown> {
  const { code, signal, stdout, stderr } = await fixtureEnd(await spawnFixture(name, options))
  if (code !== 0) throw new Error(`${name} ended with ${code ?? signal}: ${stderr}`)
  return JSON.parse(stdout)
}
