import { type Backend, type Driver, type DriverOpenOptions, type DriverSink, SendBatch, TABLE_WORDS } from '../src/driver/driver.js'
import type { ZeroCopyWriter } from '../src/writer.js'

/** `inner` with some of its members replaced. */
export function override<T extends object>(inner: T, members: Partial<T>): T {
  return new Proxy(inner, {
    get(target, key) {
      const source = (key in members ? members : target) as Record<PropertyKey, unknown>
      const member = source[key]
      return typeof member === 'function' ? member.bind(source) : member
    },
  })
}

/** What is replaced between a writer and a driver. */
export interface DriverMutation {
  sink?: (sink: DriverSink, options: DriverOpenOptions) => Partial<DriverSink>
  driver?: (driver: Driver, sink: DriverSink) => Partial<Driver>
}

/** A backend whose drivers are broken in one way. */
export function mutateBackend(backend: Backend, mutation: DriverMutation): Backend {
  return override(backend, {
    open: (options: DriverOpenOptions): Driver => {
      const sink = override(options.sink, mutation.sink?.(options.sink, options) ?? {})
      const driver = backend.open({ ...options, sink })
      return override(driver, mutation.driver?.(driver, sink) ?? {})
    },
  })
}

/** What is replaced between a caller and a writer. */
export type WriterMutation = (writer: ZeroCopyWriter) => Partial<ZeroCopyWriter>

/** One message of a batch. */
export interface BatchMessage {
  token: number
  segments: Uint8Array[]
  flags: number
}

/** The messages of a batch, one by one. */
export function messagesOf(batch: SendBatch): BatchMessage[] {
  const messages: BatchMessage[] = []
  let segment = 0
  for (let at = 0; at < batch.messageCount * TABLE_WORDS; at += TABLE_WORDS) {
    const count = batch.table[at + 1] as number
    const segments = batch.segments.slice(segment, segment + count) as Uint8Array[]
    segment += count
    messages.push({ token: batch.table[at] as number, segments, flags: batch.table[at + 2] as number })
  }
  return messages
}

/** A batch of `messages`. */
export function batchOf(messages: readonly BatchMessage[]): SendBatch {
  const batch = new SendBatch(
    messages.length,
    messages.reduce((sum, { segments }) => sum + segments.length, 0),
  )
  for (const { token, segments, flags } of messages) {
    for (const segment of segments) batch.addSegment(segment)
    batch.endMessage(token, segments.length, flags)
  }
  return batch
}
