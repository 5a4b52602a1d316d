/** Warnings that this thread has emitted: a limit is the system's, so that one writer's warning holds for all writers. */
const emitted = new Set<string>()

/** Emits a process warning ZC_LIMIT_TOO_LOW, each message once. There is one message for each errno. */
export function warnOfLimit(message: string): void {
  if (emitted.has(message)) return
  emitted.add(message)
  process.emitWarning(message, { code: 'ZC_LIMIT_TOO_LOW' })
}
