import type { SentWrite } from '../writer.js'
import { afterThisCode } from './microtask.js'
import type { PendingWrite } from './pending-write.js'
import type { WriteQueue } from './write-queue.js'

/** Answered tasks whose places are kept before the list is shortened. */
const MAX_ANSWERED_PLACES = 64

/**
 * Owns the promises that `write()` hands out, and so the order in which callers hear. On a stream that is the order of the calls.
 *
 * There are two ways to answer. A prompt answer is the promise of a task that pumps the queue and then finds the write sent. It costs least, and
 * a lone awaited write mostly gets one. Where the task finds the write unsent, the task's promise follows the write's promise: the caller hears one
 * microtask after the answer. A queued answer is the promise of the write itself.
 *
 * Invariant: a caller hears as long after its answer as the caller of any earlier unanswered write, or longer. If an earlier caller may hear
 * late, so does the caller of each later write. The kernel's answers come in the order of the queue, hence the callers hear in that order.
 */
export class AnswerOrder {
  readonly #queue: WriteQueue
  readonly #isStream: boolean
  /** Position in the order of calls of the last write whose caller hears one microtask after the answer. */
  #lastLate = -1
  /** Writes with a task of their own, in the order of the tasks; the first {@link #answered} tasks have run. */
  readonly #prompt: PendingWrite[] = []
  #answered = 0
  readonly #task: () => SentWrite | Promise<SentWrite>

  /**
   * @param queue - where the writes wait
   * @param isStream - datagrams are answered each for itself, in any order
   * @param pump - sends what can be sent
   */
  constructor(queue: WriteQueue, isStream: boolean, pump: () => void) {
    this.#queue = queue
    this.#isStream = isStream
    this.#task = () => {
      pump()
      return this.#answer()
    }
  }

  /**
   * The promise for `write`, which was queued last.
   * @param promptly - whether the next pump is expected to send it; then the promise's task runs the pump
   */
  promise(write: PendingWrite, promptly: boolean): Promise<SentWrite> {
    if (this.#isBehindLate(promptly)) {
      this.#lastLate = write.sequence
      return write.promise().then((sent) => sent)
    }
    if (!promptly) return write.promise()
    this.#prompt.push(write)
    return afterThisCode(this.#task)
  }

  /** Whether a pumping task is still to run. */
  get hasTask(): boolean {
    return this.#answered < this.#prompt.length
  }

  #isBehindLate(promptly: boolean): boolean {
    if (!this.#isStream) return false
    // A task that has not run may find its write unsent.
    if (!promptly && this.hasTask) return true
    const first = this.#queue.first
    return first !== undefined && first.sequence <= this.#lastLate
  }

  #answer(): SentWrite | Promise<SentWrite> {
    const write = this.#prompt[this.#answered++] as PendingWrite
    if (this.#answered === this.#prompt.length) {
      // Not `length = 0`, which leaves compiled code.
      while (this.#prompt.length > 0) this.#prompt.pop()
      this.#answered = 0
    } else if (this.#answered === MAX_ANSWERED_PLACES) {
      this.#prompt.splice(0, MAX_ANSWERED_PLACES)
      this.#answered = 0
    }
    if (!write.settled) this.#lastLate = write.sequence
    return write.answer()
  }
}
