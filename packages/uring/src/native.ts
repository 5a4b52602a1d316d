import { isMainThread } from 'node:worker_threads'
import { loadAddon } from '@sendzc/core/driver'

/** How {@link UringAddon.submit} ends. Mirrors native/binding_send.cc. */
export const SubmitMode = {
  /** Held until the next flush of the ring. */
  Hold: 0,
  /** Handed over; what completes stays in the ring, since earlier events are still being read. */
  Enter: 1,
  /** Handed over, and events are written. */
  EnterAndReap: 2,
} as const

/** Where the answer to a message came from. Mirrors `answer_source` in native/send_slots.h. */
export const AnswerSource = { Request: 0, PlainCall: 1, FailedEnter: 2 } as const

/** Bits of a driver's name below the number of its ring. */
export const DRIVER_INDEX_BITS = 20

/**
 * The addon, as C++ offers it. Drivers are named by `ring << 20 | index`. Functions that can fail answer with a negated errno;
 * functions that answer with a count of events have written them to the ring's event buffer.
 */
export interface UringAddon {
  initialize(isMainThread: boolean, onReady: (ring: number) => void, control: Uint32Array): void
  createRing(entries: number, completionEntries: number, sqpollIdleMs: number, events: Int32Array): number
  registerRegion(ring: number, region: number): number
  describeRing(ring: number, into: Uint32Array): number
  closeRingIfIdle(ring: number): boolean
  drainRing(ring: number): void
  socketFacts(fd: number, into: Int32Array): number
  openDriver(ring: number, fd: number, maxInFlight: number): number
  useTable(driver: number, table: Uint32Array): void
  submit(segments: readonly (Uint8Array | undefined)[] | Uint8Array): number
  flush(driver: number, reap: boolean): number
  collect(driver: number, enter: boolean): number
  arm(driver: number, bits: number): void
  disarm(driver: number, bits: number): void
  abortDriver(driver: number): void
  undelivered(driver: number): number
  closeDriver(driver: number): number
  pinnedBytes(driver: number): number
  answerSource(driver: number, token: number): number
  ringError(ring: number): number
  counters(driver: number, into: Float64Array): void
  processPins(into: Float64Array): void
  createRegion(count: number, slotBytes: number): number
  regionBuffer(region: number): ArrayBuffer
  regionInFlight(region: number, slot: number): number
  probe(entries: number, completionEntries: number, sqpollIdleMs: number, into: Uint32Array): number
}

/**
 * The small arguments of {@link UringAddon.submit}: driver, number of messages, {@link SubmitMode}, and 1 where the one segment of the one
 * message is passed instead of an array. Stored, since passing costs more.
 */
export const submitControl = new Uint32Array(4)

let loaded: UringAddon | undefined
let readyRing: (ring: number) => void = () => undefined

/** Sets who is told that a ring has completions. */
export function onRingReady(listener: (ring: number) => void): void {
  readyRing = listener
}

/**
 * Loads the addon, once per environment. This is the only place that does.
 * @throws ZeroCopyError ERR_ZC_PLATFORM where there is none for this platform
 */
export function loadNative(): UringAddon {
  if (loaded !== undefined) return loaded
  const addon = loadAddon('uring', import.meta.url) as UringAddon
  addon.initialize(isMainThread, (ring) => readyRing(ring), submitControl)
  // A copy has fast properties; those of an object that got its functions one by one from C++ are looked up in a table at every call.
  loaded = { ...addon }
  return loaded
}
