import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { BenchFailure } from '../cli/failure.js'

/** Descriptors that a process has open besides its connections: standard streams, epoll instances, rings, the channels to its children. */
const RESERVED_DESCRIPTORS = 256

/** How long, in ms, prlimit(1) may take. */
const PRLIMIT_TIMEOUT_MS = 5_000

/**
 * Makes sure that this process, and those that it starts later, may open so many descriptors. Node.js has raised the soft limit to the hard
 * one at its start; where that is too low, prlimit(1) raises both, which root may do (CAP_SYS_RESOURCE).
 * @param wanted - for connections
 * @param advice - ends the sentence of a failure: how to need fewer
 * @throws BenchFailure in one line when the limit is too low and cannot be raised
 */
export function ensureDescriptors(wanted: number, advice: string): void {
  const needed = wanted + RESERVED_DESCRIPTORS
  if (descriptorLimit() >= needed) return
  spawnSync('prlimit', ['--pid', String(process.pid), `--nofile=${needed}:${needed}`], { timeout: PRLIMIT_TIMEOUT_MS, stdio: 'ignore' })
  const limit = descriptorLimit()
  if (limit < needed)
    throw new BenchFailure(
      `${needed} descriptors are needed, and the limit of this process is ${limit}, also the hard one: raise it (ulimit -Hn ${needed}), or ${advice}.`,
    )
}

/** Soft limit of open files of this process (RLIMIT_NOFILE). */
export function descriptorLimit(limits: string = readFileSync('/proc/self/limits', 'utf8')): number {
  const soft = /^Max open files\s+(\d+|unlimited)/mu.exec(limits)?.[1]
  return soft === undefined || soft === 'unlimited' ? Number.POSITIVE_INFINITY : Number(soft)
}
