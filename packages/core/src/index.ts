/**
 * One writer interface for zero-copy sends. Pure TypeScript: backends come from `@sendzc/sendmsg` and `@sendzc/uring`.
 * @packageDocumentation
 */
export { auto } from './auto.js'
export * from './capabilities.js'
export * from './driver.js'
export * from './errors.js'
export { EVENT_WORDS, EventDispatcher } from './event-dispatch.js'
export { type DeferredSent, MemoryBackend, type MemoryOptions, memory } from './memory-driver.js'
export { type ChosenBackend, type OpenWriterOptions, openWriter } from './open-writer.js'
export { AUTO_DEFAULTS, LIMITS, parseOptions, type ResolvedWriterOptions, type WriterOptions, writerOptionsSchema } from './options.js'
export { type ToWritableOptions, toWritable } from './stream.js'
export type { DescriptorTarget, WriterTarget } from './target.js'
export * from './writer.js'
