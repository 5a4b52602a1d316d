import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { constants } from 'node:os'
import { z } from 'zod'
import { BenchFailure, ExitStatus, type ExitStatusCode } from '../cli/failure.js'
import type { WireSettings } from '../record/wire-settings.js'
import { WireNamespace } from './wire-namespace.js'
import { buildWirePrograms, type WirePrograms } from './wire-programs.js'

/** Its value names the programs to a process that runs in the namespace. */
const INSIDE_VARIABLE = 'SENDZC_WIRE_INSIDE'

const insideSchema = z.object({ programs: z.object({ object: z.string(), peer: z.string() }) })

/** Signals that end a run: the process in the namespace hears of them, and writes its record. */
const ENDING_SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

/** The programs of the wire where this process runs in a namespace that was made for it; undefined elsewhere. */
export function programsInside(environment: NodeJS.ProcessEnv = process.env): WirePrograms | undefined {
  const text = environment[INSIDE_VARIABLE]
  return text === undefined ? undefined : insideSchema.parse(JSON.parse(text)).programs
}

/** Whether this process runs in a namespace that was made for it. */
export function isInside(): boolean {
  return programsInside() !== undefined
}

/**
 * Runs this very command line again in a network namespace that is made for it and removed with it.
 * @returns the exit status of that run
 * @throws BenchFailure in one line where no wire can be made
 */
export async function runInside({ mtuBytes }: WireSettings): Promise<ExitStatusCode> {
  const programs = await buildWirePrograms()
  using namespace = WireNamespace.create(mtuBytes)
  const [program, ...args] = namespace.command(process.execPath, ...process.execArgv, ...process.argv.slice(1))
  const child = spawn(program, args, {
    stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
    env: { ...process.env, [INSIDE_VARIABLE]: JSON.stringify({ programs }) },
    // A group of its own: Ctrl-C reaches the other process once, by way of this one.
    detached: true,
  })
  const forward = (signal: NodeJS.Signals): void => void child.kill(signal)
  for (const signal of ENDING_SIGNALS) process.on(signal, forward)
  try {
    const [status, signal] = (await once(child, 'exit')) as [number | null, NodeJS.Signals | null]
    if (status === null) throw new BenchFailure(`The run on the wire was ended by ${signal ?? 'a signal'}.`, ExitStatus.Failed)
    return status as ExitStatusCode
  } finally {
    for (const signal of ENDING_SIGNALS) process.off(signal, forward)
  }
}

/** In the process that {@link runInside} starts: ends the run when the process that made the namespace is killed. */
export function endWithMaker(): void {
  if (process.channel === undefined || programsInside() === undefined) return
  process.once('disconnect', () => void process.kill(process.pid, 'SIGTERM'))
  process.channel?.unref()
}

/** How a shell reports a program that a signal ended. */
export function statusOfSignal(signal: NodeJS.Signals): number {
  return 128 + constants.signals[signal]
}
