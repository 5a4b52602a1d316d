import { Writable } from 'node:stream'
import type { ZeroCopyWriter } from './writer.js'

/** Options of {@link toWritable}. */
export interface ToWritableOptions {
  /** Bytes buffered before `write()` returns false. Default 1,048,576: zero-copy gains more with a larger send. */
  highWaterMark?: number | undefined
}

/**
 * A `stream.Writable` over a writer, for `pipeline()`. A chunk's callback runs when the chunk is sent, so that backpressure is the socket's;
 * `final` waits until every chunk is released. The chunks' memory belongs to the kernel until then: do not pipe a source here that
 * reuses its buffers. The writer stays open when the stream ends; destroying the stream with an error aborts it.
 *
 * Where the writer ends first, the stream is destroyed at once: with the error of the connection, or without one where the writer or its socket
 * was closed (`pipeline()` then says ERR_STREAM_PREMATURE_CLOSE, as with a socket).
 */
export function toWritable(writer: ZeroCopyWriter, options: ToWritableOptions = {}): Writable {
  let unsent = 0
  let unreleased = 0
  let writerEnded = false
  let drained: (() => void) | undefined

  const onReleased = (): void => {
    if (--unreleased === 0) drained?.()
  }
  const send = (data: Uint8Array | Uint8Array[], callback: (error?: Error | null) => void): void => {
    unsent++
    writer.write(data).then(
      ({ released }) => {
        unsent--
        unreleased++
        void released.then(onReleased)
        callback()
      },
      (error: Error) => {
        unsent--
        callback(error)
      },
    )
  }

  const stream = new Writable({
    highWaterMark: options.highWaterMark ?? 1_048_576,
    write: (chunk: Uint8Array, _encoding, callback) => send(chunk, callback),
    // Joined chunks would be one datagram.
    ...(writer.kind === 'stream' && {
      writev: (chunks: { chunk: unknown }[], callback: (error?: Error | null) => void) =>
        send(
          chunks.map(({ chunk }) => chunk as Uint8Array),
          callback,
        ),
    }),
    final: (callback) => {
      if (unreleased === 0) callback()
      else drained = () => callback()
    },
    destroy: (error, callback) => {
      // The writer has ended: an abort would stop bytes that are still on their way.
      if (error === null || writerEnded) callback(error)
      else writer.abort(error).then(() => callback(error), callback)
    },
  })
  void writer.ended.then((error) => {
    writerEnded = true
    const isComplete = stream.writableEnded && stream.writableLength === 0 && unsent === 0
    if (error === undefined && isComplete) return
    stream.destroy(error)
  })
  return stream
}
