import { readFileSync } from 'node:fs'

/**
 * Start time of a process in clock ticks since boot. A later process with the same id has another one.
 * Source: proc_pid_stat(5), field 22. `undefined` when there is no such process.
 */
export function processStartTicks(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    // The second field is the program's name in brackets and may hold blanks and brackets itself.
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]
  } catch {
    return undefined
  }
}

/** Names what this process owns: `<pid>-<start ticks>`, so that leftovers of a killed run can be told apart. */
export function ownIdentity(): string {
  return `${process.pid}-${processStartTicks(process.pid) ?? '0'}`
}

/** Whether the process that made `<pid>-<start ticks>` still runs; a text without that shape has no owner. */
export function isOwnerAlive(identity: string): boolean {
  const match = /^(\d+)-(\d+)/.exec(identity)
  return match !== null && processStartTicks(Number(match[1])) === match[2]
}
