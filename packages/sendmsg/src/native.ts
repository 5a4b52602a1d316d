import { loadAddon } from '@sendzc/core/driver'

/** How notifications reach a driver. Mirrors `notification_path` in native/environment.h. */
export const NotificationPath = { None: 0, Recvmsg: 1, Recvmmsg: 2, OnSends: 3 } as const
export type NotificationPathValue = (typeof NotificationPath)[keyof typeof NotificationPath]

/** Where opening failed. Mirrors `open_stage` in native/open_socket.h. */
export const OpenStage = {
  Done: 0,
  Descriptor: 1,
  Family: 2,
  Connection: 3,
  UpperLayer: 4,
  SetZerocopy: 5,
  Duplicate: 6,
  Limit: 7,
  EventPoll: 8,
  Pinning: 9,
  Owned: 10,
} as const

/** The calls that an error can come from. Mirrors `system_call` in native/system_call.h. */
export const SYSTEM_CALLS = ['sendmsg', 'sendmsg', 'sendmmsg', 'recvmsg', 'recvmmsg', 'epoll_create1', 'epoll_ctl'] as const

/** Words of the report that {@link NativeAddon.open} fills: stage, domain, type, protocol, listening. */
export const OPEN_REPORT_WORDS = 5
/** Words of the request that {@link NativeAddon.open} reads: fd, path, maxInFlight, interval, cmsgType, capacity, within a dispatch. */
export const OPEN_REQUEST_WORDS = 7
/** Values that {@link NativeAddon.counters} fills. */
export const COUNTER_VALUES = 11

/** Linux numbers that the probes name. */
export const Domain = { Unix: 1, Inet: 2, Inet6: 10, Vsock: 40 } as const
/** Linux numbers that the probes name. */
export const SocketType = { Stream: 1, Dgram: 2 } as const
/** Linux number of UDP. */
export const IPPROTO_UDP = 17

/** The addon. Where a number can be an errno, it is negated. */
export interface NativeAddon {
  /**
   * Once per environment: `onEvents(count)` is called from the event loop after `count` events were written.
   * @returns the control words: handle, token and flags of {@link submitOne}; or what failed, as {@link failure} does
   */
  initialize(onEvents: (count: number) => void, isMainThread: boolean): Uint32Array | number
  /** The array that events are written to from now on. */
  useEvents(words: Int32Array): void
  open(request: Int32Array, report: Int32Array): number
  submit(handle: number, segments: readonly (Uint8Array | undefined)[], table: Uint32Array, messageCount: number): number
  /** {@link submit} of a batch in which messages have envelopes. */
  submitAddressed(
    handle: number,
    segments: readonly (Uint8Array | undefined)[],
    table: Uint32Array,
    messageCount: number,
    envelopes: Uint32Array,
  ): number
  /** {@link submit} of one message of one segment; its handle, token and flags are the control words, since each argument costs a call. */
  submitOne(segment: Uint8Array | undefined): number
  collect(handle: number): number
  arm(handle: number, bits: number): number
  disarm(handle: number, bits: number): void
  /** Whether armed bits keep the event loop alive; at first they do. */
  setReferenced(handle: number, referenced: boolean): void
  /** The call that failed for message `token`, within its `sent`: an index in {@link SYSTEM_CALLS}, and the errno times 16. */
  failure(handle: number, token: number): number
  /** The errno with which `epoll_wait` failed for good, negated, or 0. */
  waitError(): number
  abort(handle: number): number
  undelivered(handle: number): number
  acknowledged(handle: number): number
  close(handle: number): number
  counters(handle: number, out: Float64Array): void
  processMemory(out: Float64Array): void
  probeZerocopy(domain: number, type: number): number
  probeInline(cmsgType: number): number
  mapRegion(bytes: number, wantsHuge: boolean, report: Int32Array): ArrayBuffer | number
  openFile(handle: number, fd: number, facts: Float64Array): number
  isFileCached(file: number, offset: number, bytes: number): number
  sendFile(handle: number, file: number, offset: number, bytes: number): number
  closeFile(file: number): void
}

let loaded: NativeAddon | undefined

/**
 * Loads the addon, once.
 * @throws ZeroCopyError ERR_ZC_PLATFORM where the platform is not Linux or no addon was built for it
 */
export function loadNative(): NativeAddon {
  loaded ??= loadAddon('sendmsg', import.meta.url) as NativeAddon
  return loaded
}
