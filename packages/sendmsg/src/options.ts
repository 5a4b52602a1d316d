import { LIMITS as CORE_LIMITS } from '@sendzc/core'
import { flag, oneOf, optional, record, whole, withDefault } from '@sendzc/core/driver'

/** Upper bounds of the options of this package, in the unit that each name ends with. */
export const LIMITS = {
  /** Sends between two collections: as many as can be in flight. */
  intervalSends: CORE_LIMITS.maxInFlight,
  /** Notifications that one sendmsg of the patched kernel returns at most. */
  inlineCapacity: 128,
  /** Bytes of one chunk of a pool. */
  chunkBytes: 1_073_741_824,
  /** Chunks of a pool. */
  poolChunks: 1_048_576,
} as const

/** Number of SCM_ZC_NOTIFICATION in the kernel of kernel/patches; no released kernel has it. */
export const SCM_ZC_NOTIFICATION = 0x5a43

/** Options of `errqueue()`, as a caller gives them. Absent and `undefined` are the same. */
export interface ErrqueueOptions {
  /**
   * System call that collects: `'recvmsg'` takes one range a call, as the kernel's documentation shows it (the baseline);
   * `'recvmmsg'`, the default, takes many.
   */
  collect?: 'recvmsg' | 'recvmmsg' | undefined
  /** Zero-copy sends between two collections, made within `submit`. Without it the event loop decides. */
  interval?: number | undefined
}
/** Options of `errqueue()`, with every default filled in. */
export interface ResolvedErrqueueOptions {
  collect: 'recvmsg' | 'recvmmsg'
  interval: number | undefined
}
/** Reads the options of `errqueue()`. */
export const errqueueOptionsSchema = record<ResolvedErrqueueOptions>({
  collect: withDefault(oneOf(['recvmsg', 'recvmmsg']), 'recvmmsg'),
  interval: optional(whole(1, LIMITS.intervalSends)),
})

/** Options of `inline()`, as a caller gives them. Absent and `undefined` are the same. */
export interface InlineOptions {
  /** Zero-copy sends of which one carries the placeholder. Default 1. */
  interval?: number | undefined
  /**
   * Notifications that one placeholder has room for. Default: `interval`, up to the kernel's limit.
   */
  capacity?: number | undefined
  /** Number of the control message, for a kernel that chose another. Default: `SCM_ZC_NOTIFICATION`. */
  cmsgType?: number | undefined
}
/** Options of `inline()`, with every default filled in that depends on no other. */
export interface ResolvedInlineOptions {
  interval: number
  capacity: number | undefined
  cmsgType: number | undefined
}
/** Reads the options of `inline()`. */
export const inlineOptionsSchema = record<ResolvedInlineOptions>({
  interval: withDefault(whole(1, LIMITS.intervalSends), 1),
  capacity: optional(whole(1, LIMITS.inlineCapacity)),
  cmsgType: optional(whole(1, 0x7fff_ffff)),
})

/** Options of `bufferPool()`, as a caller gives them. */
export interface BufferPoolOptions {
  /** Bytes of one chunk. */
  bytes: number
  /** Chunks of the pool. */
  count: number
  /** False: pages of the machine's usual size. Default true: huge pages where the kernel gives them, which takes memory in steps of 2 MiB. */
  hugePages?: boolean | undefined
  /** Time, in ms, that `acquire()` waits for a chunk before it fails with ERR_ZC_LIMIT. Default 30,000. */
  acquireTimeoutMs?: number | undefined
  /** Calls of `acquire()` that may wait at a time; one more fails with ERR_ZC_LIMIT. Default 1,024. */
  maxWaiting?: number | undefined
}
/** Options of `bufferPool()`, with every default filled in. */
export type ResolvedBufferPoolOptions = { [K in keyof BufferPoolOptions]-?: Exclude<BufferPoolOptions[K], undefined> }
/** Reads the options of `bufferPool()`. */
export const bufferPoolOptionsSchema = record<ResolvedBufferPoolOptions>({
  bytes: whole(1, LIMITS.chunkBytes),
  count: whole(1, LIMITS.poolChunks),
  hugePages: withDefault(flag, true),
  acquireTimeoutMs: withDefault(whole(0, CORE_LIMITS.drainTimeoutMs), 30_000),
  maxWaiting: withDefault(whole(0, LIMITS.poolChunks), 1_024),
})

/** Options of `copy()`, as a caller gives them: none so far. */
export type CopyOptions = Record<string, never>
/** Reads the options of `copy()`. */
export const copyOptionsSchema = record<CopyOptions>({})
