import type { OptionSpecs } from './command-line.js'
import type { ExitStatusCode } from './failure.js'

/** A subcommand. Its module is loaded only when it is called, so that help and errors need no addon. */
export interface Command {
  /** One or two sentences for the help. */
  about: string
  options: OptionSpecs
  /**
   * @param args - arguments behind the subcommand
   * @returns the exit status
   * @throws BenchFailure, HelpWanted
   */
  run(args: readonly string[]): Promise<ExitStatusCode>
}
