import { Errno, errnoName, Release, type ReleaseKind } from '@sendzc/core/driver'
import { BenchFailure, ExitStatus } from '../cli/failure.js'
import type { LoadTotals } from './load.js'

/** Message of a load where the kernel has no memory for even one notification. */
export const LIMIT_TOO_LOW =
  'ENOBUFS with nothing in flight: net.core.optmem_max or the memlock limit is too low for one zero-copy send. Raise them (ulimit -l, sysctl net.core.optmem_max).'

/** The kernel's answer to a message. */
export const Answer = {
  /** It took bytes. */
  Taken: 0,
  /** The socket is full: EAGAIN. */
  Full: 1,
  /** There is no memory for a notification: ENOBUFS, ENOMEM. */
  NoMemory: 2,
  /** It was not tried: ECANCELED, EINTR. */
  NotTried: 3,
  /** Anything else: the path is broken, see {@link refusal}. */
  Refused: 4,
} as const
/** One of {@link Answer}. */
export type AnswerKind = (typeof Answer)[keyof typeof Answer]

/** The failure that an {@link Answer.Refused} is. */
export function refusal(result: number): BenchFailure {
  return new BenchFailure(`The kernel refused a send: ${errnoName(result)}.`, ExitStatus.Failed)
}

/** Counts the answers and releases of one load's messages. Allocates nothing. */
export class MessageTally {
  #messages = 0
  #bytes = 0
  #zerocopySends = 0
  #copiedSends = 0
  #partialSends = 0
  #fullSockets = 0
  #noBuffers = 0

  /** Messages of which the kernel took at least a byte. */
  get messages(): number {
    return this.#messages
  }

  /**
   * A driver answers for a message.
   * @param result - bytes, or a negated errno
   * @param askedBytes - its size
   * @param zerocopy - whether the driver asks for zero-copy; otherwise it reports no copies
   */
  sent(result: number, askedBytes: number, zerocopy: boolean): AnswerKind {
    if (result >= 0) {
      this.#messages++
      this.#bytes += result
      if (result < askedBytes) this.#partialSends++
      if (!zerocopy) this.#copiedSends++
      return Answer.Taken
    }
    if (result === -Errno.EAGAIN) {
      this.#fullSockets++
      return Answer.Full
    }
    if (result === -Errno.ENOBUFS || result === -Errno.ENOMEM) {
      this.#noBuffers++
      return Answer.NoMemory
    }
    return result === -Errno.ECANCELED || result === -Errno.EINTR ? Answer.NotTried : Answer.Refused
  }

  /**
   * A driver lets go of a message.
   * @returns whether the kernel has memory for notifications back, which the release of a failed send does not give
   */
  released(release: ReleaseKind): boolean {
    if (release === Release.None) return false
    if (release === Release.Zerocopy) this.#zerocopySends++
    else this.#copiedSends++
    return true
  }

  /** Counters up to now, beside those of the driver. */
  totals(driver: LoadTotals['driver'], sends: number = this.#messages): LoadTotals {
    return {
      sends,
      bytes: this.#bytes,
      messages: this.#messages,
      zerocopySends: this.#zerocopySends,
      copiedSends: this.#copiedSends,
      partialSends: this.#partialSends,
      fullSockets: this.#fullSockets,
      noBuffers: this.#noBuffers,
      driver,
    }
  }
}

/** Counters of several drivers together. */
export function summed(drivers: Iterable<LoadTotals['driver']>): LoadTotals['driver'] {
  const sum = { sendCalls: 0, collectCalls: 0, emptyCollectCalls: 0, notifications: 0, notifiedIds: 0 }
  for (const counters of drivers) {
    sum.sendCalls += counters.sendCalls
    sum.collectCalls += counters.collectCalls
    sum.emptyCollectCalls += counters.emptyCollectCalls
    sum.notifications += counters.notifications
    sum.notifiedIds += counters.notifiedIds
  }
  return sum
}
