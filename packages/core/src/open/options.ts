import { z } from 'zod'
import { ZeroCopyError } from '../errors.js'

/** Upper bounds of the options, in the unit that each name ends with. */
export const LIMITS = {
  maxInFlight: 32_768,
  maxQueuedWrites: 1_048_576,
  drainTimeoutMs: 86_400_000,
  abortGraceMs: 60_000,
} as const

/** Options of `openWriter`. Every default of the writer stands here and nowhere else. */
export const writerOptionsSchema = z.strictObject({
  /**
   * Smallest write, in bytes, that asks for zero-copy; a smaller one is copied, since pinning and notifying cost more than the copy
   * (Documentation/networking/msg_zerocopy.rst: effective "over around 10 KB"). `auto()` has a default of its own, 4,096.
   */
  minZerocopyBytes: z.int().min(0).max(Number.MAX_SAFE_INTEGER).default(10_240),
  /** Messages in flight: submitted and not yet released. A full table is backpressure, never growth. */
  maxInFlight: z.int().min(1).max(LIMITS.maxInFlight).default(256),
  /** Writes accepted and not yet sent; one more is rejected with ERR_ZC_QUEUE_FULL. */
  maxQueuedWrites: z.int().min(1).max(LIMITS.maxQueuedWrites).default(65_536),
  /** Largest message on a stream, in bytes: adjoining writes are joined up to this. A larger single write is one message. */
  maxJoinedBytes: z.int().min(0).max(Number.MAX_SAFE_INTEGER).default(524_288),
  /** How long, in ms, `close()` waits for queued writes and notifications before it aborts the connection. */
  drainTimeoutMs: z.int().min(0).max(LIMITS.drainTimeoutMs).default(30_000),
  /** How long, in ms, an aborted connection may take to let go of the memory before it is abandoned (left pinned). */
  abortGraceMs: z.int().min(0).max(LIMITS.abortGraceMs).default(1_000),
  /**
   * Copied notifications in a row after which the writer stops asking for zero-copy for a while (loopback and veth always copy).
   * 0 = never. `auto()` sets it to 16.
   */
  demoteAfterCopied: z.int().min(0).max(1_048_576).default(0),
  /**
   * What to do where the kernel has no memory for another notification of this socket (net.core.optmem_max) while sends are in flight: copy
   * until one of them is released (true), or wait for it. A copy needs no notification, so that the connection stays full where its
   * round trip is long. `auto()` sets it.
   */
  copyAtLimit: z.boolean().default(false),
  /** Sends by copy between two attempts at zero-copy, once demoted. */
  retryZerocopyEvery: z.int().min(1).max(1_048_576).default(1_024),
})

/** Options of `openWriter`, as a caller gives them. */
export type WriterOptions = z.input<typeof writerOptionsSchema>
/** Options of `openWriter`, with every default filled in. */
export type ResolvedWriterOptions = z.output<typeof writerOptionsSchema>

/**
 * What `auto()` sets, over the defaults and beneath the caller's own options.
 *
 * minZerocopyBytes: the smallest size at which each path took fewer instructions than copying in every cell of `bench sizes` at the driver
 * level where nothing is copied (README, "Where nothing is copied"), and at which the slides' machines, which are real ones, took 79 % of the
 * cycles of copying. The fixed backends keep to the kernel's advice, since they go on asking where the kernel copies; here that ends
 * after demoteAfterCopied messages. Smaller messages reach the limit of notifications in flight sooner, hence copyAtLimit.
 */
export const AUTO_DEFAULTS = {
  minZerocopyBytes: 4_096,
  demoteAfterCopied: 16,
  copyAtLimit: true,
} as const satisfies WriterOptions

/**
 * Parses options against a zod schema.
 * @throws ZeroCopyError ERR_ZC_INVALID_OPTION that names each option, what it was, and what is allowed
 */
export function parseOptions<S extends z.ZodType>(schema: S, value: unknown, of: string): z.output<S> {
  const result = schema.safeParse(value ?? {})
  if (result.success) return result.data
  throw new ZeroCopyError('ERR_ZC_INVALID_OPTION', `Invalid options of ${of}: ${z.prettifyError(result.error).replaceAll('\n', ' ')}`, {
    cause: result.error,
  })
}
