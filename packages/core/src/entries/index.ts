/**
 * One writer interface for zero-copy sends, for callers. Pure TypeScript: backends come from `@sendzc/sendmsg` and `@sendzc/uring`.
 * `@sendzc/core/driver` serves the author of a backend, `@sendzc/core/conformance` is the suite that holds a backend to the contract, and
 * `@sendzc/core/testing` is a driver without a kernel.
 * @packageDocumentation
 */
export { type Broadcast, broadcast } from '../broadcast.js'
export { BufferPool, type PoolPages } from '../buffer-pool.js'
export type { Capability, CapabilityCheck } from '../driver/capabilities.js'
export type { Backend } from '../driver/driver.js'
export * from '../errors.js'
export { auto } from '../open/auto.js'
export { type OpenWriterOptions, openWriter } from '../open/open-writer.js'
export type { DescriptorTarget, WriterTarget } from '../open/target.js'
export { type ToWritableOptions, toWritable } from '../stream.js'
export { type OwnPathCause, type ResetCause, type ZeroCopyStats, zeroCopyStats } from '../transparent/diagnostics.js'
export type { ZeroCopyOptions } from '../transparent/options.js'
export { zeroCopyEverywhere } from '../transparent/register.js'
export { type SendBodyOptions, type SentBody, sendBody } from '../transparent/send-body.js'
export { zeroCopy } from '../transparent/zero-copy.js'
export { destination } from '../writer/envelope.js'
export { AUTO_DEFAULTS, LIMITS, type WriterOptions } from '../writer/options.js'
export * from '../writer.js'
