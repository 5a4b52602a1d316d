/** Something with a second descriptor open. */
export interface Idling {
  /** Closes it where it has had nothing to do since the last call. */
  closeIfIdle(): void
}

const open = new Set<Idling>()
let timer: NodeJS.Timeout | undefined

/**
 * Looks at `one` now and then, until {@link noteClosed}. One timer for all of them, which keeps no event loop alive.
 * @param everyMs - between two looks; that of the first one counts
 */
export function noteOpen(one: Idling, everyMs: number): void {
  open.add(one)
  timer ??= setInterval(() => {
    for (const each of open) each.closeIfIdle()
  }, everyMs).unref()
}

export function noteClosed(one: Idling): void {
  open.delete(one)
  if (open.size > 0) return
  clearInterval(timer)
  timer = undefined
}
