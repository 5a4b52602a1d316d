/** Owner of an open second descriptor. */
export interface Idling {
  /** Closes the descriptor where it has been idle since the last call. */
  closeIfIdle(): void
}

const open = new Set<Idling>()
let timer: NodeJS.Timeout | undefined

/**
 * Looks at `one` now and then, until {@link noteClosed}. One timer serves all owners, and keeps no event loop alive.
 * @param everyMs - time between two looks, in ms; the first owner's value counts
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
