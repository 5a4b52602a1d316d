import type { WriterMutation } from '../conformance/fixtures/index.js'
import type { Backend } from '../src/driver/driver.js'
import { ZeroCopyError } from '../src/errors.js'
import type { WriterOptions } from '../src/writer/options.js'
import type { SentWrite, WriteData } from '../src/writer.js'

/** One way for a writer to be wrong, and the promise that must say so. */
export interface WriterMutant {
  name: string
  caughtBy: string
  kind?: 'stream' | 'datagram'
  mutation?: WriterMutation
  /** Replaces members of the backend that the suite is given. */
  backend?: (backend: Backend) => Partial<Backend>
  /** Changes the options that the writer is opened with. */
  options?: (options: WriterOptions) => WriterOptions
}

function bytesOf(data: WriteData): number {
  return data instanceof Uint8Array ? data.byteLength : data.reduce((sum, { byteLength }) => sum + byteLength, 0)
}

function writeWith(change: (sent: SentWrite) => SentWrite): WriterMutation {
  return (writer) => ({ write: (data, options) => writer.write(data, options).then(change) })
}

/** Two writes for one, released with the first: a request may have used more than one message. */
const releaseWithFirstPart: WriterMutation = (writer) => ({
  write: async (data, options) => {
    if (!(data instanceof Uint8Array) || data.byteLength < 20_000) return writer.write(data, options)
    const half = data.byteLength >> 1
    const first = writer.write(data.subarray(0, half), options)
    const [{ released }] = await Promise.all([first, writer.write(data.subarray(half), options)])
    return { bytes: data.byteLength, released }
  },
})

const resolveAtOnce: WriterMutation = (writer) => ({
  write: (data, options) => {
    const released = writer.write(data, options).then(
      (sent) => sent.released,
      () => 'abandoned' as const,
    )
    return Promise.resolve({ bytes: bytesOf(data), released })
  },
})

const overtake: WriterMutation = (writer) => {
  let count = 0
  return {
    write: async (data, options) => {
      if (++count % 7 === 3) await Promise.resolve()
      return writer.write(data, options)
    },
  }
}

const copyResizable: WriterMutation = (writer) => ({
  write: (data, options) => writer.write(data instanceof Uint8Array ? data.slice() : data, options),
})

const splitOversized: WriterMutation = (writer) => ({
  write: async (data, options) => {
    if (bytesOf(data) <= 65_507 || !(data instanceof Uint8Array)) return writer.write(data, options)
    await writer.write(data.subarray(0, 60_000), options)
    return writer.write(data.subarray(60_000), options)
  },
})

const leaveTimer: WriterMutation = (writer) => {
  const timers = [setInterval(() => undefined, 100_000)]
  // Ends with the test, not with the writer.
  setTimeout(() => timers.forEach(clearInterval), 5_000).unref()
  return { stats: () => writer.stats() }
}

/** The mutants of the writer: together they break every promise that it makes. */
export const WRITER_MUTANTS: readonly WriterMutant[] = [
  {
    name: 'probe that throws',
    caughtBy: 'probe',
    backend: () => ({
      probe: () => {
        throw new Error('no such kernel')
      },
    }),
  },
  { name: 'sent before it is', caughtBy: 'sent', mutation: resolveAtOnce },
  { name: 'sent with the wrong count', caughtBy: 'sent', mutation: writeWith(({ bytes, released }) => ({ bytes: bytes - 1, released })) },
  { name: 'a write that overtakes', caughtBy: 'order', mutation: overtake },
  { name: 'an oversized datagram that is split', caughtBy: 'datagram-boundaries', kind: 'datagram', mutation: splitOversized },
  {
    name: 'released with sent',
    caughtBy: 'released-after-every-notification',
    mutation: writeWith(({ bytes }) => ({ bytes, released: Promise.resolve('zerocopy') })),
  },
  { name: 'released with the first of several messages', caughtBy: 'released-after-every-notification', mutation: releaseWithFirstPart },
  {
    name: 'released never',
    caughtBy: 'released-once',
    mutation: writeWith(({ bytes }) => ({ bytes, released: new Promise(() => undefined) })),
  },
  {
    name: 'released that rejects',
    caughtBy: 'released-once',
    mutation: writeWith(({ bytes, released }) => ({ bytes, released: released.then(() => Promise.reject(new Error('released rejects'))) })),
  },
  {
    name: 'an outcome that is always zerocopy',
    caughtBy: 'outcome',
    mutation: writeWith(({ bytes, released }) => ({ bytes, released: released.then(() => 'zerocopy' as const) })),
  },
  { name: 'a header that is shared with its body', caughtBy: 'mixed-pieces', options: (options) => ({ ...options, minZerocopyBytes: 0 }) },
  {
    name: 'a header of a datagram that is shared with its body',
    caughtBy: 'mixed-pieces',
    kind: 'datagram',
    options: (options) => ({ ...options, minZerocopyBytes: 0 }),
  },
  {
    name: 'small pieces that leave behind the large ones',
    caughtBy: 'mixed-pieces',
    mutation: (writer) => ({
      write: (data, options) =>
        writer.write(data instanceof Uint8Array ? data : [...data].sort((a, b) => b.byteLength - a.byteLength), options),
    }),
  },
  { name: 'a table larger than it was told', caughtBy: 'backpressure', options: (options) => ({ ...options, maxInFlight: 256 }) },
  { name: 'a queue larger than it was told', caughtBy: 'backpressure', options: ({ maxQueuedWrites: _, ...options }) => options },
  { name: 'a signal that nobody hears', caughtBy: 'signal', mutation: (writer) => ({ write: (data) => writer.write(data) }) },
  { name: 'a resizable buffer that is taken', caughtBy: 'invalid-input', mutation: copyResizable },
  { name: 'an option that is not checked', caughtBy: 'invalid-input', options: ({ maxInFlight: _, ...options }) => options },
  {
    name: 'a reset that is called something else',
    caughtBy: 'peer-reset',
    mutation: (writer) => ({
      write: (data, options) =>
        writer.write(data, options).catch((error: ZeroCopyError) => {
          throw new ZeroCopyError('ERR_ZC_SYSTEM', error.message, { released: error.released })
        }),
    }),
  },
  {
    name: 'counters that forget',
    caughtBy: 'stats',
    mutation: (writer) => ({ stats: () => ({ ...writer.stats(), copiedSends: 0 }) }),
  },
  { name: 'a stream without backpressure', caughtBy: 'writable', mutation: resolveAtOnce },
  {
    name: 'close that does not drain',
    caughtBy: 'close',
    mutation: (writer) => ({ close: () => writer.abort() }),
  },
  {
    name: 'close without a bound',
    caughtBy: 'close',
    options: ({ drainTimeoutMs: _, ...options }) => options,
  },
  { name: 'abort that waits for the peer', caughtBy: 'abort', mutation: (writer) => ({ abort: () => writer.close() }) },
  { name: 'await using that forgets to close', caughtBy: 'dispose', mutation: () => ({ [Symbol.asyncDispose]: () => Promise.resolve() }) },
  { name: 'a timer that outlives the writer', caughtBy: 'no-handles-left', mutation: leaveTimer },
  {
    name: 'a file overtakes the writes before it',
    caughtBy: 'files',
    mutation: (writer) => ({
      write: async (data, options) => {
        await new Promise(setImmediate)
        return writer.write(data, options)
      },
    }),
  },
]
