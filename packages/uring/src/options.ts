import { optional, record, whole, withDefault } from '@sendzc/core/driver'

/** Upper bounds of the options, in the unit that each name ends with. */
export const URING_LIMITS = {
  /** IORING_MAX_ENTRIES of the kernel. */
  entries: 32_768,
  completionEntries: 65_536,
  fixedBufferCount: 65_536,
  /** The kernel registers at most 1 GiB as one buffer, and the pool is one. */
  fixedBufferBytes: 1_073_741_824,
} as const

/** Options of `uring()`, as a caller gives them. Absent and `undefined` are the same. */
export interface UringOptions {
  /** Requests that can be held between two submissions; the kernel rounds up to a power of two. Default 256. */
  entries?: number | undefined
  /**
   * Completions that the ring can hold; the kernel rounds up to a power of two. Three eighths of it bound the messages in flight over
   * all writers that share the ring, so that completions never overflow, and a quarter bounds the writers. Default 16,384.
   */
  completionEntries?: number | undefined
  /**
   * Memory that is registered with the ring once, so that a send from it needs no page lookup (io_uring_register(2), IORING_REGISTER_BUFFERS).
   * It counts against RLIMIT_MEMLOCK. `bytes` is the size of one buffer; each begins on a page of its own.
   */
  fixedBuffers?: { count: number; bytes: number } | undefined
}

/** Options of `uring()`, with every default filled in. */
export interface ResolvedUringOptions {
  entries: number
  completionEntries: number
  fixedBuffers: { count: number; bytes: number } | undefined
}

const fixedBuffers = record<{ count: number; bytes: number }>(
  { count: whole(1, URING_LIMITS.fixedBufferCount), bytes: whole(1, URING_LIMITS.fixedBufferBytes) },
  ({ count, bytes }) => {
    return count * bytes <= URING_LIMITS.fixedBufferBytes
      ? undefined
      : `count * bytes may be ${URING_LIMITS.fixedBufferBytes} bytes at most`
  },
)

/** Reads the options of `uring()`. Every default stands here and nowhere else. */
export const uringOptionsSchema = record<ResolvedUringOptions>(
  {
    entries: withDefault(whole(8, URING_LIMITS.entries), 256),
    completionEntries: withDefault(whole(64, URING_LIMITS.completionEntries), 16_384),
    fixedBuffers: optional(fixedBuffers.read),
  },
  ({ entries, completionEntries }) => {
    return completionEntries >= entries ? undefined : 'completionEntries may not be less than entries'
  },
)
