import type { ReleaseOutcome } from './errors.js'
import type { SentWrite, WriteData, WriteOptions, ZeroCopyWriter } from './writer.js'

/** One buffer on its way to many peers. */
export interface Broadcast {
  /** The write to each writer, in their order. None goes unhandled: a write that fails is nobody else's business, and may be left alone. */
  readonly writes: readonly Promise<SentWrite>[]
  /** Resolves when each write was sent or has failed: what `Promise.allSettled(writes)` answers. */
  readonly settled: Promise<PromiseSettledResult<SentWrite>[]>
  /**
   * Settles once, never rejects, when no kernel queue of any writer references the memory: `'abandoned'` where one writer gave up waiting (never reuse the memory),
   * else `'copied'` where a byte was copied for one of them, or the memory was shared with none, else `'zerocopy'`.
   */
  readonly released: Promise<ReleaseOutcome>
}

/**
 * Writes one piece of memory to many writers. The memory exists once: each driver pins it where it is, and each connection sends from it at its own pace. It belongs to the kernel until
 * {@link Broadcast.released}, which waits for the slowest peer: give `signal` or `abort()` to a writer whose peer stalls. A writer that fails harms no other.
 * @param writers - one message, or piece of a stream, for each; a writer that comes twice gets the data twice
 * @param data - as of `write()`
 * @param options - as of `write()`, for each
 */
export function broadcast(writers: Iterable<ZeroCopyWriter>, data: WriteData, options?: WriteOptions): Broadcast {
  const writes = Array.from(writers, (writer) => writer.write(data, options))
  const settled = Promise.allSettled(writes)
  return { writes, settled, released: settled.then(releasedOf) }
}

async function releasedOf(results: readonly PromiseSettledResult<SentWrite>[]): Promise<ReleaseOutcome> {
  const releases = results.map((result) => (result.status === 'fulfilled' ? result.value.released : Object(result.reason).released))
  const outcomes = new Set<ReleaseOutcome | undefined>(await Promise.all(releases))
  if (outcomes.has('abandoned')) return 'abandoned'
  // Undefined: the write failed before the kernel had a byte.
  return outcomes.has('copied') || !outcomes.has('zerocopy') ? 'copied' : 'zerocopy'
}
