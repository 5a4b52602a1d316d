import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { BenchFailure, ExitStatus, type ExitStatusCode } from '../cli/failure.js'

/**
 * Young generation of the measuring process, in MiB: so large that nothing is collected while it sends, so that growth is all that
 * was allocated. Three semi-spaces of this size are reserved, not touched.
 */
const SEMI_SPACE_MIB = 512

/** V8 sizes its heap once, at the start, so the measuring happens in a process that was started for it. */
export async function rerunWithCollector(args: readonly string[]): Promise<ExitStatusCode> {
  const program = process.argv[1]
  if (program === undefined) throw new BenchFailure('bench heap must be started as a program.')
  const flags = [...process.execArgv, '--expose-gc', `--min-semi-space-size=${SEMI_SPACE_MIB}`, `--max-semi-space-size=${SEMI_SPACE_MIB}`]
  const child = spawn(process.execPath, [...flags, program, 'heap', ...args], { stdio: 'inherit' })
  const [code] = (await once(child, 'exit')) as [number | null]
  return code === ExitStatus.Ok ? ExitStatus.Ok : code === ExitStatus.Usage ? ExitStatus.Usage : ExitStatus.Failed
}
