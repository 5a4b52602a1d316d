import { Writable } from 'node:stream'
import type { ReleaseOutcome, ZeroCopyError } from './errors.js'
import type { SentWrite, ZeroCopyWriter } from './writer.js'

/** Options of {@link toWritable}. */
export interface ToWritableOptions {
  /**
   * Bytes after which `write()` returns false, and bytes that may be sent and not yet released before the stream takes the next chunk. On a long way the latter bounds
   * the rate: bytes per round trip. Default 1,048,576: zero-copy gains more with a larger send.
   */
  highWaterMark?: number | undefined
  /**
   * Called once for each chunk, when its memory belongs to the producer again: also where the chunk was never sent. The outcome is `'copied'` where the kernel never
   * had the memory; after `'abandoned'` the memory must not be used again, ever. A chunk that was given as a string or as a plain Uint8Array comes as the Buffer that
   * Node's stream made of it, the latter over the same memory. It must not throw.
   */
  onReleased?: ((chunk: Buffer, outcome: ReleaseOutcome) => void) | undefined
}

type Callback = (error?: Error | null) => void

/**
 * A `stream.Writable` over a writer, for `pipeline()`. A chunk's callback runs when the chunk is sent, and fewer than `highWaterMark` bytes are sent and not released: so
 * backpressure is the socket's, and the memory that the kernel shares is bounded. The chunks' memory belongs to the kernel until `onReleased`: a source that reuses its
 * buffers must wait for that. `final` waits until every chunk is released. The writer stays open when the stream ends; destroying the stream with an error aborts it.
 *
 * Where the writer ends first, the stream is destroyed at once: with the error of the connection, or without one where the writer or its socket
 * was closed (`pipeline()` then says ERR_STREAM_PREMATURE_CLOSE, as with a socket).
 */
export function toWritable(writer: ZeroCopyWriter, options: ToWritableOptions = {}): Writable {
  const highWaterMark = options.highWaterMark ?? 1_048_576
  const { onReleased } = options
  let unsent = 0
  let unreleased = 0
  let unreleasedBytes = 0
  let writerEnded = false
  /** The callback of chunks that are sent, while too much is unreleased; Node's stream has one under way at a time. */
  let held: { callback: Callback; bytes: number } | undefined
  let drained: (() => void) | undefined

  const tell = (chunks: readonly Buffer[], outcome: ReleaseOutcome): void => {
    for (const chunk of chunks) onReleased?.(chunk, outcome)
  }
  const isFull = (): boolean => unreleasedBytes >= Math.max(highWaterMark, 1)
  const sent = (chunks: readonly Buffer[], { bytes, released }: SentWrite, callback: Callback): void => {
    unsent--
    unreleased++
    unreleasedBytes += bytes
    void released.then((outcome) => {
      unreleasedBytes -= bytes
      tell(chunks, outcome)
      if (held !== undefined && !isFull()) {
        const { callback: next } = held
        held = undefined
        next()
      }
      if (--unreleased === 0) drained?.()
    })
    if (isFull()) held = { callback, bytes }
    else callback()
  }
  const send = (chunks: Buffer[], callback: Callback): void => {
    unsent++
    writer.write(chunks.length === 1 ? (chunks[0] as Buffer) : chunks).then(
      (write) => sent(chunks, write, callback),
      (error: ZeroCopyError) => {
        unsent--
        if (error.released === undefined) tell(chunks, 'copied')
        else void error.released.then((outcome) => tell(chunks, outcome))
        callback(error)
      },
    )
  }

  const stream = new Writable({
    highWaterMark,
    write: (chunk: Buffer, _encoding, callback) => send([chunk], callback),
    // Joined chunks would be one datagram.
    ...(writer.kind === 'stream' && {
      writev: (chunks: { chunk: unknown }[], callback: Callback) =>
        send(
          chunks.map(({ chunk }) => chunk as Buffer),
          callback,
        ),
    }),
    final: (callback) => {
      if (unreleased === 0) callback()
      else drained = () => callback()
    },
    destroy: (error, callback) => {
      if (onReleased !== undefined) tell(chunksLeft(stream), 'copied')
      // The writer has ended: an abort would stop bytes that are still on their way.
      if (error === null || writerEnded) callback(error)
      else writer.abort(error).then(() => callback(error), callback)
    },
  })
  void writer.ended.then((error) => {
    writerEnded = true
    const isComplete = stream.writableEnded && stream.writableLength === (held?.bytes ?? 0) && unsent === 0
    if (error === undefined && isComplete) return
    stream.destroy(error)
  })
  return stream
}

/** Chunks that Node's stream still holds, and will now drop. */
function chunksLeft(stream: Writable): Buffer[] {
  const { _writableState: state } = stream as unknown as { _writableState: { getBuffer(): { chunk: Buffer }[] } }
  return state.getBuffer().map(({ chunk }) => chunk)
}
