import { clearLine, cursorTo } from 'node:readline'

/** Width of the bar, in characters. */
const BAR_WIDTH = 24

/** Least time between two redraws on a terminal, in ms: drawing is work that the measurement should not see. */
const REDRAW_MS = 100

/** Least time between two plain lines where stderr is not a terminal, in ms. */
const PLAIN_LINE_MS = 10_000

/** A stream that progress is shown on. */
export interface ProgressStream {
  isTTY?: boolean | undefined
  columns?: number | undefined
  write(text: string): unknown
}

/**
 * Shows on stderr where a run is and how long it will take. Drawn only between measurements, never by a timer, since a timer
 * would fire inside of one.
 */
export class Progress {
  readonly #stream: ProgressStream
  #totalMs: number
  readonly #now: () => number
  readonly #startedMs: number
  #doneMs = 0
  #lastDrawnMs = Number.NEGATIVE_INFINITY

  /**
   * @param totalMs - time that the whole run should take, in ms; corrected as it goes
   * @param stream - where to; standard error by default
   * @param now - a monotonic clock in ms
   */
  constructor(totalMs: number, stream: ProgressStream = process.stderr, now: () => number = () => performance.now()) {
    this.#totalMs = Math.max(1, totalMs)
    this.#stream = stream
    this.#now = now
    this.#startedMs = now()
  }

  /**
   * Counts work as done.
   * @param expectedMs - expected time of the work: its share of `totalMs`
   * @param label - name of the next piece of work
   */
  advance(expectedMs: number, label: string): void {
    this.#doneMs += expectedMs
    this.#draw(label)
  }

  /**
   * Takes out work that was done before this run.
   * @param expectedMs - its share of `totalMs`
   */
  skip(expectedMs: number): void {
    this.#totalMs = Math.max(1, this.#totalMs - expectedMs)
  }

  /** Prints a line without disturbing the bar. */
  say(line: string): void {
    this.#erase()
    this.#stream.write(`${line}\n`)
  }

  /** Takes the bar away. */
  finish(): void {
    this.#erase()
  }

  #draw(label: string): void {
    const now = this.#now()
    const terminal = this.#stream.isTTY === true
    if (now - this.#lastDrawnMs < (terminal ? REDRAW_MS : PLAIN_LINE_MS)) return
    this.#lastDrawnMs = now
    const share = Math.min(1, this.#doneMs / this.#totalMs)
    const elapsedMs = now - this.#startedMs
    const leftMs = share > 0.02 ? (elapsedMs * (1 - share)) / share : this.#totalMs * (1 - share)
    const text = `${String(Math.floor(share * 100)).padStart(3)} %  ${duration(leftMs)} left  ${label}`
    if (!terminal) {
      this.#stream.write(`${text}\n`)
      return
    }
    const filled = Math.round(share * BAR_WIDTH)
    const line = `[${'#'.repeat(filled)}${'.'.repeat(BAR_WIDTH - filled)}] ${text}`
    this.#erase()
    this.#stream.write(line.slice(0, Math.max(1, (this.#stream.columns ?? 80) - 1)))
  }

  #erase(): void {
    if (this.#stream.isTTY !== true) return
    cursorTo(this.#stream as NodeJS.WriteStream, 0)
    clearLine(this.#stream as NodeJS.WriteStream, 0)
  }
}

/** `1:05` for 65 seconds. */
export function duration(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1_000))
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`
}
