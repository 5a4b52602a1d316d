/** Exit statuses of the commands. */
export const ExitStatus = {
  /** Everything was done. */
  Ok: 0,
  /** Something failed while running: a peer that went away, a target that was missed. */
  Failed: 1,
  /** The command line, a record or the environment does not allow the run; nothing was measured. */
  Usage: 2,
  /** Interrupted by SIGINT: 128 + 2, as shells report it. */
  Interrupted: 130,
} as const

/** One of {@link ExitStatus}. */
export type ExitStatusCode = (typeof ExitStatus)[keyof typeof ExitStatus]

/** A failure that is printed in one line, without a stack, and ends the program with a non-zero status. */
export class BenchFailure extends Error {
  /** Exit status of the process. */
  readonly status: ExitStatusCode

  /**
   * @param message - cause and, where there is one, remedy; line breaks become spaces
   * @param status - exit status of the process; a mistake of the caller (2) by default
   * @param cause - the error beneath
   */
  constructor(message: string, status: ExitStatusCode = ExitStatus.Usage, cause?: unknown) {
    super(oneLine(message), cause === undefined ? undefined : { cause })
    this.name = 'BenchFailure'
    this.status = status
  }
}

/** Joins the lines of a message, since a failure is one line. */
export function oneLine(text: string): string {
  return text
    .split(/\s*\n\s*/u)
    .filter((line) => line !== '')
    .join(' ')
}

/** The message of anything that was thrown. */
export function messageOf(error: unknown): string {
  return oneLine(error instanceof Error ? error.message : String(error))
}

/**
 * Runs a command to its end and turns what it throws into one line on stderr.
 * @param name - stands before the message, as `name: message`
 * @param run - the command; answers with the exit status
 * @returns the exit status; never throws
 */
export async function runToStatus(name: string, run: () => Promise<ExitStatusCode>): Promise<ExitStatusCode> {
  try {
    return await run()
  } catch (error) {
    process.stderr.write(`${name}: ${messageOf(error)}\n`)
    if (process.env.SENDZC_DEBUG !== undefined && error instanceof Error) process.stderr.write(`${error.stack ?? ''}\n`)
    return error instanceof BenchFailure ? error.status : ExitStatus.Failed
  }
}
