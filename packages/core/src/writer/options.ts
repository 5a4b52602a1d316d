import { ZeroCopyError } from '../errors.js'
import { flag, type OptionSchema, record, whole, withDefault } from './option-reader.js'

/** Upper bounds of the options, in the unit that each name ends with. */
export const LIMITS = {
  maxInFlight: 32_768,
  maxQueuedWrites: 1_048_576,
  drainTimeoutMs: 86_400_000,
  abortGraceMs: 60_000,
} as const

/** Options of `openWriter`, as a caller gives them. Absent and `undefined` are the same. */
export interface WriterOptions {
  /**
   * Smallest write, in bytes, that asks for zero-copy; a smaller one is copied, since pinning and notifying cost more than the copy
   * (Documentation/networking/msg_zerocopy.rst: effective "over around 10 KB"). Also the smallest piece that is shared, of a write of several
   * pieces that has a piece of this size. `auto()` has a default of its own, 4,096. Default 10,240.
   */
  minZerocopyBytes?: number | undefined
  /**
   * Smallest message, in bytes, that asks for zero-copy: a datagram, or adjoining writes to a stream that are joined. A message
   * costs one notification, whatever its writes. `auto()` has a default of its own, 40,960, which gives way to a `minZerocopyBytes` of the
   * caller's. Default 0.
   */
  minZerocopyMessageBytes?: number | undefined
  /** Messages in flight: submitted and not yet released. A full table is backpressure, never growth. Default 256. */
  maxInFlight?: number | undefined
  /** Writes accepted and not yet sent; one more is rejected with ERR_ZC_QUEUE_FULL. Default 65,536. */
  maxQueuedWrites?: number | undefined
  /**
   * Largest message of joined writes, in bytes; a larger single write is one message. On a stream adjoining writes are joined up to this. On UDP adjoining
   * datagrams of one size and one receiver that are copied leave as one message, up to 64 and 65,507 bytes, which the kernel cuts into themselves again
   * (UDP_SEGMENT). 0: none is joined. Default 524,288.
   */
  maxJoinedBytes?: number | undefined
  /** Time, in ms, that `close()` waits for queued writes and notifications before it aborts the connection. Default 30,000. */
  drainTimeoutMs?: number | undefined
  /** Time, in ms, that an aborted connection has to let go of the memory before the writer abandons it (leaves it pinned). Default 1,000. */
  abortGraceMs?: number | undefined
  /**
   * Copied notifications in a row after which the writer stops asking for zero-copy for a while (loopback, and veth to a receiver on this machine,
   * always copy). 0 = never, the default. `auto()` sets `demoteAfterCopied` to 16.
   */
  demoteAfterCopied?: number | undefined
  /**
   * The reaction where the kernel has no memory for another notification of this socket (net.core.optmem_max) while sends are in flight: copy
   * until one of those sends is released (true), or wait for that release (false). A copy needs no notification, so that the connection stays
   * full where its round trip is long. `auto()` sets `copyAtLimit` to true. Default false.
   */
  copyAtLimit?: boolean | undefined
  /** Sends by copy between two attempts at zero-copy, once demoted. Default 1,024. */
  retryZerocopyEvery?: number | undefined
}

/** Options of `openWriter`, with every default filled in. */
export type ResolvedWriterOptions = { [K in keyof WriterOptions]-?: Exclude<WriterOptions[K], undefined> }

/** Reads the options of `openWriter`. Every default of the writer stands here and nowhere else. */
export const writerOptionsSchema = record<ResolvedWriterOptions>({
  minZerocopyBytes: withDefault(whole(0, Number.MAX_SAFE_INTEGER), 10_240),
  minZerocopyMessageBytes: withDefault(whole(0, Number.MAX_SAFE_INTEGER), 0),
  maxInFlight: withDefault(whole(1, LIMITS.maxInFlight), 256),
  maxQueuedWrites: withDefault(whole(1, LIMITS.maxQueuedWrites), 65_536),
  maxJoinedBytes: withDefault(whole(0, Number.MAX_SAFE_INTEGER), 524_288),
  drainTimeoutMs: withDefault(whole(0, LIMITS.drainTimeoutMs), 30_000),
  abortGraceMs: withDefault(whole(0, LIMITS.abortGraceMs), 1_000),
  demoteAfterCopied: withDefault(whole(0, 1_048_576), 0),
  copyAtLimit: withDefault(flag, false),
  retryZerocopyEvery: withDefault(whole(1, 1_048_576), 1_024),
})

/**
 * The defaults of `auto()`, over the writer's defaults and beneath the caller's own options.
 *
 * minZerocopyMessageBytes: the smallest size at which uring took less CPU time than copying on the wire (docs/figures.md), alike for a
 * datagram, for a lone write to a stream and for joined writes, over IPv4 and IPv6. minZerocopyBytes: the smallest write that was worth its
 * pinned pages in such a message; 64 writes of 4,096 bytes took 74 % of the CPU time of copying. The fixed backends keep to the kernel's
 * advice, since they go on asking where the kernel copies; `auto()` stops asking after demoteAfterCopied messages. Smaller messages reach the
 * limit of notifications in flight sooner, hence copyAtLimit.
 */
export const AUTO_DEFAULTS = {
  minZerocopyBytes: 4_096,
  minZerocopyMessageBytes: 40_960,
  demoteAfterCopied: 16,
  copyAtLimit: true,
} as const satisfies WriterOptions

/** The options over a backend's own defaults, made once for each backend. */
const schemas = new WeakMap<WriterOptions, OptionSchema<ResolvedWriterOptions>>()

function schemaOver(defaults: WriterOptions): OptionSchema<ResolvedWriterOptions> {
  const known = schemas.get(defaults)
  if (known !== undefined) return known
  const schema = writerOptionsSchema.over(parseOptions(writerOptionsSchema, defaults, "the backend's defaults"))
  schemas.set(defaults, schema)
  return schema
}

/**
 * The caller's options over the defaults of a backend: an option that is `undefined` leaves the default beneath it. A caller that sets
 * `minZerocopyBytes` alone means each write of that size, whatever its message: `minZerocopyMessageBytes` is then 0.
 * @throws ZeroCopyError ERR_ZC_INVALID_OPTION
 */
export function resolveOptions(defaults: WriterOptions | undefined, options: WriterOptions): ResolvedWriterOptions {
  const resolved = parseOptions(defaults === undefined ? writerOptionsSchema : schemaOver(defaults), options, 'openWriter')
  if (options.minZerocopyBytes !== undefined && options.minZerocopyMessageBytes === undefined) resolved.minZerocopyMessageBytes = 0
  return resolved
}

/**
 * Reads options.
 * @param schema - a schema of `record()`, or of a validator with `safeParse`
 * @param of - the owner of the options, for the error
 * @throws ZeroCopyError ERR_ZC_INVALID_OPTION that names each invalid option, its given value, and the allowed values
 */
export function parseOptions<T>(schema: OptionSchema<T>, value: unknown, of: string): T {
  const result = schema.safeParse(value ?? {})
  if (result.success) return result.data
  const issues = result.error.issues.map(({ path, message }) => (path.length === 0 ? message : `${path.map(String).join('.')}: ${message}`))
  throw new ZeroCopyError('ERR_ZC_INVALID_OPTION', `Invalid options of ${of}: ${issues.join('; ')}.`, { cause: result.error })
}
