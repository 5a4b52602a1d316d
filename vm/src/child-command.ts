import { type ChildProcess, spawn } from 'node:child_process'
import { constants } from 'node:os'
import { hasProgram } from './system-packages.js'

/** Signals that end the harness; each leaves through {@link cleanUpOnSignal}. */
const endingSignals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

const cleanUps = new Set<() => void>()

function leave(signal: NodeJS.Signals): void {
  // The last thing made goes first: a folder is removed after the process that writes to it has ended.
  for (const cleanUp of [...cleanUps].reverse()) cleanUp()
  process.exit(128 + constants.signals[signal])
}

/**
 * Has `cleanUp` run when the harness is told to end, and when it ends by an error that nobody caught.
 *
 * @param cleanUp synchronous; may run while other work is under way
 * @returns takes it back
 */
export function cleanUpOnSignal(cleanUp: () => void): () => void {
  if (cleanUps.size === 0) for (const signal of endingSignals) process.on(signal, leave)
  cleanUps.add(cleanUp)
  return () => {
    cleanUps.delete(cleanUp)
    if (cleanUps.size === 0) for (const signal of endingSignals) process.off(signal, leave)
  }
}

/** Ends a whole process group; one that is gone already is no error. */
export function killGroup(child: ChildProcess): void {
  try {
    if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}

/**
 * Words before a command line that have the program get a signal when this process is gone, even when it was
 * killed; none where the system has no setpriv.
 */
export function endingWithParent(signal: 'TERM' | 'KILL'): string[] {
  return hasProgram('setpriv') ? ['setpriv', '--pdeathsig', signal] : []
}

/** Options of {@link runCommand}. */
export interface CommandOptions {
  readonly cwd: string
  readonly environment?: Readonly<Record<string, string>>
  /** Gets each complete line of standard output and standard error. */
  readonly onLine: (line: string) => void
}

/**
 * Runs a program to its end; its whole process group ends with the harness.
 *
 * @returns its exit status; a signal counts as 128 plus its number
 * @throws the spawn error when the program does not exist
 */
export async function runCommand(program: string, args: readonly string[], options: CommandOptions): Promise<number> {
  const argv = [...endingWithParent('TERM'), program, ...args]
  const child = spawn(argv[0] as string, argv.slice(1), {
    cwd: options.cwd,
    env: { ...process.env, ...options.environment },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  })
  const forget = cleanUpOnSignal(() => killGroup(child))
  for (const stream of [child.stdout, child.stderr]) {
    let rest = ''
    stream.setEncoding('utf8')
    stream.on('data', (text: string) => {
      const lines = (rest + text).split('\n')
      rest = lines.pop() ?? ''
      for (const line of lines) options.onLine(line)
    })
    stream.on('end', () => {
      if (rest !== '') options.onLine(rest)
    })
  }
  try {
    return await new Promise<number>((resolve, reject) => {
      child.on('error', reject)
      child.on('close', (status, signal) => resolve(status ?? 128 + constants.signals[signal ?? 'SIGKILL']))
    })
  } finally {
    forget()
  }
}
