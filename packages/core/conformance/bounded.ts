/** Bounds of the suite, in the unit that each name ends with. */
export const SUITE_LIMITS = {
  /** One wait within a case. */
  waitMs: 10_000,
  /** One case, pairs and writers closed. */
  caseMs: 30_000,
  /** Disposal of what a case left open. */
  disposeMs: 5_000,
  /** Turns of the event loop that a case watches for an event that must not come. */
  quietTurns: 20,
} as const

let waitMs: number = SUITE_LIMITS.waitMs

/** Shortens every wait: for tests of the suite itself, where a wait that fails is the wanted result. Returns the bound that was. */
export function setWaitMs(limitMs: number): number {
  const before = waitMs
  waitMs = limitMs
  return before
}

/** A wait of the suite that outlasted its bound; the name says which. */
export class WaitTimeout extends Error {
  constructor(what: string, limitMs: number) {
    super(`timeout: ${what} did not happen within ${limitMs} ms`)
    this.name = 'WaitTimeout'
  }
}

/**
 * Awaits `promise`, for at most `limitMs`.
 * @param what - name of the wait, for the error
 */
export async function bounded<T>(promise: PromiseLike<T>, what: string, limitMs: number = waitMs): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined
  const timeout = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new WaitTimeout(what, limitMs)), limitMs)
  })
  try {
    return await Promise.race([promise, timeout])
  } finally {
    clearTimeout(timer)
  }
}

/** One turn of the event loop, its poll phase included. */
export function turn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve)
  })
}

/** Turns of a wait that keep the processor busy: what takes more of them is looked at once a ms. */
const BUSY_TURNS = 100

/** Waits until `condition` holds, looking once a turn, and later once a ms. */
export async function until(condition: () => boolean, what: string, limitMs: number = waitMs): Promise<void> {
  const deadlineMs = performance.now() + limitMs
  for (let turns = 0; !condition(); turns++) {
    if (performance.now() > deadlineMs) throw new WaitTimeout(what, limitMs)
    await (turns < BUSY_TURNS ? turn() : new Promise((resolve) => setTimeout(resolve, 1)))
  }
}

/** Lets `SUITE_LIMITS.quietTurns` turns pass: an event that must not come would have come within them. */
export async function quietTurns(): Promise<void> {
  for (let count = 0; count < SUITE_LIMITS.quietTurns; count++) await turn()
}
