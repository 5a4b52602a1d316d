/** Lines of the kernel log that are printed or reported at most. */
export const maxReportedLogLines = 60

/** How a fault announces itself; each stands at the beginning of a word. */
const faults = [
  /WARNING:/,
  /BUG:/,
  /Oops\b/,
  /KASAN:/,
  /UBSAN:/,
  /KCSAN:/,
  /KMSAN:/,
  /INFO: (?:task .* blocked|rcu.*(?:stall|detected)|trying to register)/,
  /kernel BUG at/,
  /general protection fault/,
  /Kernel panic/,
  /possible (?:circular locking|recursive locking|irq lock inversion|deadlock)/,
  /inconsistent lock state/,
  /suspicious RCU usage/,
  /bad unlock balance/,
  /held lock freed/,
  /sleeping function called from invalid context/,
  /scheduling while atomic/,
  /soft lockup/,
  /hard LOCKUP/,
  /refcount_t:/,
  /list_(?:add|del) corruption/,
  /unreferenced object/,
  /suspected memory leaks/,
  /unregister_netdevice: waiting/,
  /Bad page state/,
  /stack-protector/,
  /slab-.*(?:out-of-bounds|use-after-free)/,
  /Unable to handle/,
  /unable to handle/,
  /divide error/,
  /double fault/,
  /Call Trace:/,
]
const problem = new RegExp(`\\b(?:${faults.map(({ source }) => source).join('|')})`)

/**
 * Lines of the kernel's log that speak of a fault: WARNING, BUG, Oops, KASAN, UBSAN, lockdep, stalls, panics.
 *
 * @param log the console's text
 * @returns each such line, in order
 */
export function kernelProblems(log: string): string[] {
  return log
    .split(/\r?\n/)
    .filter((line) => problem.test(line))
    .map((line) => line.trimEnd())
}

/**
 * The part of the log that explains a guest that died: from its first fault on, else its end.
 *
 * @returns at most {@link maxReportedLogLines} lines
 */
export function explainingLines(log: string): string[] {
  const lines = log.split(/\r?\n/).filter((line) => line.trim() !== '')
  const first = lines.findIndex((line) => problem.test(line))
  const from = first >= 0 ? Math.max(0, first - 2) : Math.max(0, lines.length - maxReportedLogLines)
  return lines.slice(from, from + maxReportedLogLines)
}

/** Why the kernel stopped, when its log says so: the text after "Kernel panic - not syncing". */
export function panicReason(log: string): string | undefined {
  return /Kernel panic - not syncing: (.*)/.exec(log)?.[1]?.trim()
}
