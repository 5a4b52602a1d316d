import { readFileSync } from 'node:fs'

/**
 * Start time of a process in clock ticks since boot, which tells it from a later one with the same id (proc_pid_stat(5), field 22).
 * @returns undefined when there is no such process
 */
function startTicks(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    // The second field is the program's name in brackets, and may hold blanks and brackets itself.
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]
  } catch {
    return undefined
  }
}

/** Names things that this process owns: `<pid>-<start ticks>`. The leftovers of a killed run can be recognised by it. */
export function ownIdentity(): string {
  return `${process.pid}-${startTicks(process.pid) ?? '0'}`
}

/** Whether the process that made `<pid>-<start ticks>` still runs; a text of another shape has no owner. */
export function isOwnerAlive(identity: string): boolean {
  const match = /^(\d+)-(\d+)$/u.exec(identity)
  return match !== null && startTicks(Number(match[1])) === match[2]
}
