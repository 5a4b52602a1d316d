import type { FileHandle } from 'node:fs/promises'
import { type ReleaseOutcome, ZeroCopyError } from './errors.js'
import type { SentWrite, WriteOptions, ZeroCopyWriter } from './writer.js'

/** Pages that the memory of a pool consists of: `'huge'` ones make a send of a chunk cheaper. */
export type PoolPages = 'huge' | 'small'

/** The parts of a {@link BufferPool}. */
export interface BufferPoolParts {
  /** The chunks lie in it one behind the other. */
  memory: ArrayBuffer
  /** Bytes of one chunk. */
  bytes: number
  /** Bytes from one chunk to the next. */
  strideBytes: number
  /** Chunks. */
  count: number
  pages: PoolPages
  /** Time, in ms, that {@link BufferPool.acquire} waits for a chunk. */
  acquireTimeoutMs: number
  /** Calls of {@link BufferPool.acquire} that may wait at a time. */
  maxWaiting: number
}

const FREE = 0
const TAKEN = 1
const SENT = 2
const ABANDONED = 3

interface Waiter {
  take: (chunk: Buffer) => void
}

/**
 * A fixed number of chunks out of one piece of memory. A reader fills a chunk, a writer sends it, and the chunk comes back when the kernel has let go of it: nothing is
 * allocated for a chunk. Chunks are zeroed at first; later a chunk holds what its last user left. The memory lives as long as the pool, a chunk, or the kernel uses it.
 */
export class BufferPool {
  /** Bytes of one chunk. */
  readonly bytes: number
  /** Chunks of the pool. */
  readonly count: number
  /** The pages that the kernel gave. */
  readonly pages: PoolPages
  readonly #parts: BufferPoolParts
  readonly #chunks: Buffer[]
  readonly #states: Uint8Array
  readonly #free: number[] = []
  readonly #waiters = new Set<Waiter>()
  #abandoned = 0

  /** @internal Made by `bufferPool()`. */
  constructor(parts: BufferPoolParts) {
    this.#parts = parts
    this.bytes = parts.bytes
    this.count = parts.count
    this.pages = parts.pages
    this.#states = new Uint8Array(parts.count)
    this.#chunks = Array.from({ length: parts.count }, (_, slot) => Buffer.from(parts.memory, slot * parts.strideBytes, parts.bytes))
    // The chunk that came back last is the next: it is in the processor's caches.
    for (let slot = parts.count - 1; slot >= 0; slot--) this.#free.push(slot)
  }

  /** Chunks that can be taken at once. */
  get available(): number {
    return this.#free.length
  }

  /** Calls of {@link acquire} that wait. */
  get waiting(): number {
    return this.#waiters.size
  }

  /** Chunks that are lost: the kernel may read them for ever. */
  get abandoned(): number {
    return this.#abandoned
  }

  /** Takes a chunk, or undefined where none is free. It is yours until {@link release} or {@link write}. */
  tryAcquire(): Buffer | undefined {
    const slot = this.#free.pop()
    if (slot === undefined) return undefined
    this.#states[slot] = TAKEN
    return this.#chunks[slot]
  }

  /**
   * Takes a chunk, once one is free. Calls are served in their order.
   * @throws ZeroCopyError ERR_ZC_LIMIT where no chunk came back within `acquireTimeoutMs`, `maxWaiting` others wait already, or every chunk is abandoned; ERR_ZC_ABORTED
   */
  async acquire({ signal }: { signal?: AbortSignal | undefined } = {}): Promise<Buffer> {
    if (signal?.aborted) throw aborted(signal)
    const chunk = this.#waiters.size === 0 ? this.tryAcquire() : undefined
    if (chunk !== undefined) return chunk
    const { acquireTimeoutMs, maxWaiting } = this.#parts
    if (this.#waiters.size >= maxWaiting) throw limit(`${maxWaiting} calls wait for a chunk already (maxWaiting).`)
    if (this.#abandoned === this.count)
      throw limit(`All ${this.count} chunks are abandoned: connections were given up that still had them.`)
    return await new Promise<Buffer>((resolve, reject) => {
      const done = (): void => {
        clearTimeout(timer)
        signal?.removeEventListener('abort', onAbort)
        this.#waiters.delete(waiter)
      }
      const waiter: Waiter = {
        take: (taken) => {
          done()
          resolve(taken)
        },
      }
      const onAbort = (): void => {
        done()
        reject(aborted(signal))
      }
      const timer = setTimeout(() => {
        done()
        reject(limit(`No chunk of ${this.count} came back within ${acquireTimeoutMs} ms (acquireTimeoutMs).`))
      }, acquireTimeoutMs)
      signal?.addEventListener('abort', onAbort)
      this.#waiters.add(waiter)
    })
  }

  /**
   * Gives a chunk back that was not sent, or whose write is released.
   * @param chunk - the chunk, or a part of it
   * @param outcome - of its write; a chunk that is `'abandoned'` is never handed out again
   * @throws ZeroCopyError ERR_ZC_INVALID_ARGUMENT where it is no chunk of this pool, nobody has it, or {@link write} has it
   */
  release(chunk: Uint8Array, outcome?: ReleaseOutcome): void {
    this.#giveBack(this.#slotOf(chunk, 'release'), outcome)
  }

  /** {@link release} as the `onReleased` of `toWritable()`. */
  readonly onReleased = (chunk: Uint8Array, outcome: ReleaseOutcome): void => this.release(chunk, outcome)

  /**
   * Writes a chunk, or a part of it, and takes it back when the kernel has let go of it, also where the write fails. The chunk is no longer yours.
   * @returns as `writer.write()`
   * @throws ZeroCopyError as `writer.write()`; ERR_ZC_INVALID_ARGUMENT as {@link release}
   */
  async write(writer: ZeroCopyWriter, chunk: Uint8Array, options?: WriteOptions): Promise<SentWrite> {
    const slot = this.#slotOf(chunk, 'write')
    this.#states[slot] = SENT
    try {
      const sent = await writer.write(chunk, options)
      void sent.released.then((outcome) => this.#giveBack(slot, outcome))
      return sent
    } catch (error) {
      const { released } = error as ZeroCopyError
      if (released === undefined) this.#giveBack(slot)
      else void released.then((outcome) => this.#giveBack(slot, outcome))
      throw error
    }
  }

  /**
   * Reads a range of a file, chunk by chunk. Each chunk that comes out is yours. Waits where the pool is empty, so that a slow peer slows the reading down.
   * @param options - `start` and `end` both count, as in `fs.createReadStream`; without `end` it reads up to the end that the file has when the reading gets there
   */
  async *read(
    file: FileHandle,
    { start = 0, end = Number.POSITIVE_INFINITY }: { start?: number; end?: number } = {},
  ): AsyncGenerator<Buffer> {
    for (let at = start; at <= end; ) {
      const chunk = await this.acquire()
      let bytesRead = 0
      try {
        bytesRead = (await file.read(chunk, 0, Math.min(this.bytes, end - at + 1), at)).bytesRead
      } finally {
        if (bytesRead === 0) this.release(chunk)
      }
      if (bytesRead === 0) return
      at += bytesRead
      yield bytesRead === this.bytes ? chunk : chunk.subarray(0, bytesRead)
    }
  }

  /** The slot of a chunk that its caller has. */
  #slotOf(chunk: Uint8Array, method: string): number {
    const { memory, strideBytes } = this.#parts
    const slot = chunk.buffer === memory ? Math.floor(chunk.byteOffset / strideBytes) : -1
    if (slot < 0 || slot >= this.count || this.#states[slot] !== TAKEN) {
      throw new ZeroCopyError('ERR_ZC_INVALID_ARGUMENT', `${method}() takes a chunk that acquire() of the same pool gave, once.`)
    }
    return slot
  }

  #giveBack(slot: number, outcome?: ReleaseOutcome): void {
    if (outcome === 'abandoned') {
      this.#states[slot] = ABANDONED
      this.#abandoned++
      return
    }
    const [waiter] = this.#waiters
    this.#states[slot] = waiter === undefined ? FREE : TAKEN
    if (waiter === undefined) this.#free.push(slot)
    else waiter.take(this.#chunks[slot] as Buffer)
  }
}

function limit(message: string): ZeroCopyError {
  return new ZeroCopyError('ERR_ZC_LIMIT', message, {
    remedy: 'Release chunks when their writes are released, raise count, or find the peer that does not read.',
  })
}

function aborted(signal: AbortSignal | undefined): ZeroCopyError {
  return new ZeroCopyError('ERR_ZC_ABORTED', 'The signal was aborted before a chunk was free.', { cause: signal?.reason })
}
