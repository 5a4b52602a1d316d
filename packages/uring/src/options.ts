import { z } from 'zod'

/** Upper bounds of the options, in the unit that each name ends with. */
export const URING_LIMITS = {
  /** IORING_MAX_ENTRIES of the kernel. */
  entries: 32_768,
  completionEntries: 65_536,
  sqpollIdleMs: 60_000,
  fixedBufferCount: 65_536,
  /** The kernel registers at most 1 GiB as one buffer, and the pool is one. */
  fixedBufferBytes: 1_073_741_824,
} as const

/** Options of `uring()`. Every default stands here and nowhere else. */
export const uringOptionsSchema = z
  .strictObject({
    /** Requests that can be held between two submissions; the kernel rounds up to a power of two. */
    entries: z.int().min(8).max(URING_LIMITS.entries).default(256),
    /**
     * Completions that the ring can hold; the kernel rounds up to a power of two. Three eighths of it bound the messages in flight over
     * all writers that share the ring, so that completions never overflow, and a quarter bounds the writers.
     */
    completionEntries: z.int().min(64).max(URING_LIMITS.completionEntries).default(16_384),
    /**
     * A kernel thread that takes requests without system calls, and sleeps when it has found none for `idleMs`.
     * It keeps a processor busy. A process that is killed (SIGKILL) with zero-copy sends in flight stays, with its connections and its ports,
     * until their peers have read or closed: set TCP_USER_TIMEOUT on sockets whose peers are not to be trusted.
     * Minimum kernel 5.11 without privileges (io_uring_setup(2), IORING_SETUP_SQPOLL).
     */
    sqpoll: z.strictObject({ idleMs: z.int().min(1).max(URING_LIMITS.sqpollIdleMs).default(50) }).optional(),
    /**
     * Memory that is registered with the ring once, so that a send from it needs no page lookup (io_uring_register(2), IORING_REGISTER_BUFFERS).
     * It counts against RLIMIT_MEMLOCK. `bytes` is the size of one buffer; each begins on a page of its own.
     */
    fixedBuffers: z
      .strictObject({
        count: z.int().min(1).max(URING_LIMITS.fixedBufferCount),
        bytes: z.int().min(1).max(URING_LIMITS.fixedBufferBytes),
      })
      .refine(({ count, bytes }) => count * bytes <= URING_LIMITS.fixedBufferBytes, {
        error: `count * bytes may be ${URING_LIMITS.fixedBufferBytes} bytes at most`,
      })
      .optional(),
  })
  .refine(({ entries, completionEntries }) => completionEntries >= entries, { error: 'completionEntries may not be less than entries' })

/** Options of `uring()`, as a caller gives them. */
export type UringOptions = z.input<typeof uringOptionsSchema>
/** Options of `uring()`, with every default filled in. */
export type ResolvedUringOptions = z.output<typeof uringOptionsSchema>
