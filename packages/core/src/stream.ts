import { Writable } from 'node:stream'
import type { ZeroCopyWriter } from './writer.js'

/** Options of {@link toWritable}. */
export interface ToWritableOptions {
  /** Bytes buffered before `write()` returns false. Default 1,048,576: a zero-copy send is worth the more the larger it is. */
  highWaterMark?: number | undefined
}

/**
 * A `stream.Writable` over a writer, for `pipeline()`. A chunk's callback runs when it is sent, so that backpressure is the socket's;
 * `final` waits until every chunk is released. The chunks' memory belongs to the kernel until then: a source that reuses its
 * buffers must not be piped here. The writer stays open when the stream ends; destroying the stream with an error aborts it.
 */
export function toWritable(writer: ZeroCopyWriter, options: ToWritableOptions = {}): Writable {
  const unreleased = new Set<Promise<unknown>>()
  let drained: (() => void) | undefined

  const track = (released: Promise<unknown>): void => {
    unreleased.add(released)
    void released.then(() => {
      unreleased.delete(released)
      if (unreleased.size === 0) drained?.()
    })
  }
  const send = (data: Uint8Array | Uint8Array[], callback: (error?: Error | null) => void): void => {
    writer.write(data).then(({ released }) => {
      track(released)
      callback()
    }, callback)
  }

  return new Writable({
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
      if (unreleased.size === 0) callback()
      else drained = () => callback()
    },
    destroy: (error, callback) => {
      if (error === null) callback(null)
      else writer.abort(error).then(() => callback(error), callback)
    },
  })
}
