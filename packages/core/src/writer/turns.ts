import { PendingWrite } from './pending-write.js'
import type { PumpSchedule } from './pump-schedule.js'
import type { WriteQueue } from './write-queue.js'

const NO_TURN = (): void => undefined

/**
 * Turns of a stream: entries of the queue whose bytes leave by another way than the driver's messages, in the order of the calls. One turn runs at
 * a time, and nothing is submitted meanwhile.
 */
export class Turns {
  readonly #queue: WriteQueue
  readonly #schedule: PumpSchedule
  readonly #isAnswered: () => boolean
  #runs = false

  /** @param isAnswered - whether no message waits for its answer */
  constructor(queue: WriteQueue, schedule: PumpSchedule, isAnswered: () => boolean) {
    this.#queue = queue
    this.#schedule = schedule
    this.#isAnswered = isAnswered
  }

  /** Whether a turn runs now. */
  get runs(): boolean {
    return this.#runs
  }

  /** True where a turn taken now would begin at once. */
  get isFree(): boolean {
    return this.#queue.first === undefined && this.#isAnswered() && !this.#runs
  }

  /**
   * Takes a place in the order. `begin` runs when everything before it is sent; nothing behind it is submitted until {@link end}. `begin` may
   * call every method here.
   * @param carriesBytes - false: only an end, which may be dropped without harm
   */
  take(begin: () => void, carriesBytes: boolean): PendingWrite {
    const turn = new PendingWrite([], carriesBytes ? 1 : 0, this.#queue.takeSequence(), begin)
    this.#queue.push(turn)
    this.#schedule.ask()
    return turn
  }

  /** Makes a turn of bytes that already leave by another way. Those bytes set out while {@link isFree} was true. */
  begun(): PendingWrite {
    const turn = new PendingWrite([], 1, this.#queue.takeSequence(), NO_TURN)
    this.#queue.unshift(turn)
    this.#runs = true
    return turn
  }

  /** The bytes of a turn have left, or never will. */
  end(turn: PendingWrite): void {
    if (this.#queue.first === turn) this.#runs = false
    this.#queue.remove(turn)
    this.#schedule.ask()
  }

  /** Begins the turn that stands first. */
  begin(turn: () => void): void {
    this.#runs = true
    turn()
  }

  /** The turn that runs makes way: it begins anew, or its entry has left the queue. */
  interrupt(): void {
    this.#runs = false
    this.#schedule.ask()
  }
}
