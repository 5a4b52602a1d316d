/** Time between two lines of progress. */
const reportIntervalMs = 15_000

/** Compiled or linked objects of one build, counted on one; only for the estimate. */
export const expectedSteps = { base: 2000, debug: 2400 } as const

/** `1 min 5 s`, `12 s`. */
export function formatDuration(ms: number): string {
  const seconds = Math.round(ms / 1000)
  return seconds < 60 ? `${seconds} s` : `${Math.floor(seconds / 60)} min ${seconds % 60} s`
}

/** Says now and then how far a build is. */
export class BuildProgress {
  readonly #startedMs: number = performance.now()
  readonly #print: (line: string) => void
  #reportedMs = 0
  #steps = 0

  constructor(print: (line: string) => void) {
    this.#print = print
  }

  get elapsedMs(): number {
    return performance.now() - this.#startedMs
  }

  /** Number of steps counted. */
  get steps(): number {
    return this.#steps
  }

  /** Says what begins now. */
  phase(text: string): void {
    this.#print(`vm build: ${text} (${formatDuration(this.elapsedMs)} elapsed)`)
  }

  /**
   * Takes a line of make's output, and reports when it is time.
   *
   * @param compilingSinceMs value of {@link elapsedMs} at the first step
   * @param expected steps in all
   */
  makeLine(line: string, compilingSinceMs: number, expected: number): void {
    if (/^ {2}(?:HOST)?(?:CC|AS|LD|AR)\b/.test(line)) this.#steps++
    const now = this.elapsedMs
    if (now - this.#reportedMs < reportIntervalMs) return
    this.#reportedMs = now
    this.#print(`vm build: ${progressText(this.#steps, expected, now - compilingSinceMs)}`)
  }
}

/**
 * One line of progress with an estimate.
 *
 * @param elapsedMs since the first step
 */
export function progressText(steps: number, expected: number, elapsedMs: number): string {
  const leftMs = steps < 20 ? undefined : (elapsedMs / steps) * Math.max(expected - steps, 0)
  const estimate = leftMs === undefined ? '' : `, about ${formatDuration(leftMs)} left`
  return `compiled ${steps} of about ${Math.max(expected, steps)} objects, ${formatDuration(elapsedMs)} elapsed${estimate}`
}
