/** Owner of an open second descriptor. */
export interface Idling {
  /** Closes the descriptor where it has been idle since the last call, and resets a connection whose peer holds memory for too long. */
  look(): void
}

const open = new Set<Idling>()
let timer: NodeJS.Timeout | undefined
let timerEveryMs = 0

/**
 * Looks at `one` now and then, until {@link noteClosed}. One timer serves all owners, and keeps no event loop alive.
 * @param everyMs - time between two looks, in ms; the smallest value of all owners counts
 */
export function noteOpen(one: Idling, everyMs: number): void {
  open.add(one)
  if (timer !== undefined && everyMs >= timerEveryMs) return
  clearInterval(timer)
  timerEveryMs = everyMs
  timer = setInterval(() => {
    for (const each of open) each.look()
  }, everyMs).unref()
}

export function noteClosed(one: Idling): void {
  open.delete(one)
  if (open.size > 0) return
  clearInterval(timer)
  timer = undefined
}
