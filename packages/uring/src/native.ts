import { isMainThread } from 'node:worker_threads'
import { loadAddon } from '@sendzc/core/driver'

/** How {@link UringAddon.submit} ends. Mirrors native/binding_hot.cc. */
export const SubmitMode = {
  /** Held until the next flush of the ring. */
  Hold: 0,
  /** Handed over; completions stay in the ring, since earlier events are still being read. */
  Enter: 1,
  /** Handed over, and events are written. */
  EnterAndReap: 2,
} as const

/** Where the answer to a message came from. Mirrors `answer_source` in native/send_slots.h. */
export const AnswerSource = { Request: 0, PlainCall: 1, FailedEnter: 2, PlainBatch: 3 } as const

/** A handle that no driver has: a native call for the ring as a whole. */
export const NO_DRIVER = 0xffff_ffff

/**
 * The addon, as C++ offers it. Rings and drivers have handles with a generation: the handle of a closed one refers to nothing. Functions that can fail
 * answer with a negated errno; functions that answer with a count of events have written them to the ring's event buffer.
 */
export interface UringAddon {
  /** @returns the control words: see {@link LoadedAddon.control} */
  initialize(isMainThread: boolean): Uint32Array
  createRing(entries: number, completionEntries: number, events: Int32Array, onReady: (ring: number) => void): number
  registerRegion(ring: number, region: number): number
  describeRing(ring: number, into: Uint32Array): number
  releaseRing(ring: number): boolean
  keepRing(ring: number): boolean
  failedCall(): string
  socketFacts(fd: number, into: Int32Array): number
  openDriver(ring: number, fd: number, maxInFlight: number, domain: number, type: number, protocol: number): number
  useTable(driver: number, table: Uint32Array, envelopes: Uint32Array): void
  submit(segments: readonly (Uint8Array | undefined)[] | Uint8Array): number
  flush(ring: number, driver: number, reap: boolean): number
  collect(ring: number, driver: number): number
  arm(driver: number, bits: number): void
  disarm(driver: number, bits: number): void
  setReferenced(driver: number, referenced: boolean): void
  abortDriver(driver: number): void
  undelivered(driver: number): number
  acknowledged(driver: number): number
  closeDriver(driver: number): number
  pinnedBytes(driver: number): number
  answerSource(driver: number, token: number): number
  ringError(ring: number): number
  counters(driver: number, into: Float64Array): void
  processMemory(into: Float64Array): void
  createRegion(count: number, slotBytes: number): number
  regionBuffer(region: number): ArrayBuffer
  regionInFlight(region: number, slot: number): number
  openFile(driver: number, fd: number, facts: Float64Array): number
  isFileCached(file: number, offset: number, bytes: number): number
  sendFile(driver: number, file: number, offset: number, bytes: number): number
  closeFile(file: number): void
  probe(entries: number, completionEntries: number, into: Uint32Array): number
}

/** The addon, and the array that {@link UringAddon.submit} reads its small arguments from. */
export interface LoadedAddon extends UringAddon {
  /**
   * Driver, number of messages, {@link SubmitMode}, and 1 where the one segment of the one message is passed instead of an array. Stored, since
   * passing costs more. The same for every instance of this module in the environment, and filled anew for each call.
   */
  readonly control: Uint32Array
}

let loaded: LoadedAddon | undefined

/**
 * Loads the addon, once per instance of this module. The addon keeps its state for the environment, which may have several instances. No other place
 * loads it.
 * @throws ZeroCopyError ERR_ZC_PLATFORM where there is none for this platform
 */
export function loadNative(): LoadedAddon {
  if (loaded !== undefined) return loaded
  const addon = loadAddon('uring', import.meta.url) as UringAddon
  // A copy has fast properties; those of an object that got its functions one by one from C++ are looked up in a table at every call.
  loaded = { ...addon, control: addon.initialize(isMainThread) }
  return loaded
}
