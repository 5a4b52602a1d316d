import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { BenchFailure, ExitStatus, type ExitStatusCode, messageOf } from '../cli/failure.js'
import { WIRE_ADDRESSES, type WireNamespace } from './wire-namespace.js'
import { statusOfSignal } from './wire-run.js'

/**
 * Runs a command in the namespace to its end. Ctrl-C reaches this process and the command, whose own answer to it is awaited.
 * @returns the exit status of the command
 * @throws BenchFailure where it cannot be run
 */
export async function runCommand(namespace: WireNamespace, command: readonly string[]): Promise<ExitStatusCode> {
  const [program, ...args] = namespace.command(...command)
  const { far4, far6, near4, near6 } = WIRE_ADDRESSES
  const env = { ...process.env, SENDZC_WIRE_HOST4: far4, SENDZC_WIRE_HOST6: far6, SENDZC_WIRE_OWN4: near4, SENDZC_WIRE_OWN6: near6 }
  const child = spawn(program, args, { stdio: 'inherit', env })
  const ignore = (): void => undefined
  const forward = (): void => void child.kill('SIGTERM')
  process.on('SIGINT', ignore).on('SIGTERM', forward)
  try {
    const [status, signal] = (await once(child, 'exit')) as [number | null, NodeJS.Signals | null]
    return (status ?? statusOfSignal(signal ?? 'SIGTERM')) as ExitStatusCode
  } catch (error) {
    throw new BenchFailure(`Cannot run ${command[0] ?? ''}: ${messageOf(error)}`, undefined, error)
  } finally {
    process.off('SIGINT', ignore).off('SIGTERM', forward)
  }
}

/** Waits until the user presses Ctrl-C, or something asks the process to end. */
export async function untilSignal(): Promise<ExitStatusCode> {
  process.stderr.write('Ready until Ctrl-C.\n')
  const timer = setInterval(() => undefined, 60_000)
  const stop = new AbortController()
  try {
    await Promise.race([once(process, 'SIGINT', { signal: stop.signal }), once(process, 'SIGTERM', { signal: stop.signal })])
  } finally {
    clearInterval(timer)
    stop.abort()
  }
  return ExitStatus.Ok
}
