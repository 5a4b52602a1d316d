import type { DriverCounters } from '@sendzc/core'

/** Counters of a load since it was opened. The load itself counts all but those of the driver. */
export interface LoadTotals {
  /** See `sends` of a row. */
  sends: number
  bytes: number
  messages: number
  zerocopySends: number
  copiedSends: number
  partialSends: number
  fullSockets: number
  noBuffers: number
  driver: Pick<DriverCounters, 'sendCalls' | 'collectCalls' | 'emptyCollectCalls' | 'notifications' | 'notifiedIds'>
}

/** Something that sends as fast as it can, at one level of the library. Used by one caller at a time. */
export interface Load {
  /**
   * Sends, and returns once at least `sends` more sends are sent (released they need not be).
   * @throws BenchFailure when the peer refuses, goes away, or takes nothing for {@link STALL_TIMEOUT_MS}
   */
  run(sends: number): Promise<void>
  /** Waits until the kernel references no memory of this load, so that every notification is counted. */
  drain(): Promise<void>
  /** Counters up to now. */
  totals(): LoadTotals
  /** Lets go of the socket, which stays the caller's. */
  close(): Promise<void>
}

/** How long, in ms, a load waits for a peer that takes nothing before it gives up. */
export const STALL_TIMEOUT_MS = 10_000

/** The difference between two readings of the counters. */
export function difference(after: LoadTotals, before: LoadTotals): LoadTotals {
  return {
    sends: after.sends - before.sends,
    bytes: after.bytes - before.bytes,
    messages: after.messages - before.messages,
    zerocopySends: after.zerocopySends - before.zerocopySends,
    copiedSends: after.copiedSends - before.copiedSends,
    partialSends: after.partialSends - before.partialSends,
    fullSockets: after.fullSockets - before.fullSockets,
    noBuffers: after.noBuffers - before.noBuffers,
    driver: {
      sendCalls: after.driver.sendCalls - before.driver.sendCalls,
      collectCalls: after.driver.collectCalls - before.driver.collectCalls,
      emptyCollectCalls: after.driver.emptyCollectCalls - before.driver.emptyCollectCalls,
      notifications: after.driver.notifications - before.driver.notifications,
      notifiedIds: after.driver.notifiedIds - before.driver.notifiedIds,
    },
  }
}
