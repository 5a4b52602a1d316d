import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { BenchFailure, ExitStatus } from '../cli/failure.js'

const run = promisify(execFile)

/** Signals by which someone ends a program: Ctrl-C reaches every process of the terminal, so that it may end before this process hears of it. */
const ENDING_SIGNALS: readonly unknown[] = ['SIGINT', 'SIGTERM']

/** A measurement that was cut off because the user wants the run to end: it has no row, and the earlier rows are kept. */
export class CutOff extends BenchFailure {
  /** @param program - name of the program that was ended */
  constructor(program: string, cause: unknown) {
    super(`${program} was interrupted`, ExitStatus.Interrupted, cause)
    this.name = 'CutOff'
  }
}

/** How {@link runProgram} runs. */
export interface ProgramOptions {
  /** Its time, start included, in ms; then it is killed. */
  timeoutMs: number
  /** Aborted when the user wants the run to end; the program is killed then. */
  signal: AbortSignal
  env?: NodeJS.ProcessEnv
}

/**
 * Runs a program that measures to its end.
 * @throws CutOff when the user ended it, or the run; else what `execFile` throws
 */
export async function runProgram(
  program: string,
  args: readonly string[],
  { timeoutMs, signal, env }: ProgramOptions,
): Promise<{ stdout: string; stderr: string }> {
  try {
    return await run(program, [...args], { timeout: timeoutMs, killSignal: 'SIGKILL', signal, ...(env === undefined ? {} : { env }) })
  } catch (error) {
    if (signal.aborted || ENDING_SIGNALS.includes((error as { signal?: unknown }).signal)) throw new CutOff(program, error)
    throw error
  }
}
