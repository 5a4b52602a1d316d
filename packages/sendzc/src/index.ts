/**
 * Zero-copy sends on Linux sockets: the writer, every backend, and `auto()` over all of them. The import works on any platform and in any
 * runtime; a backend that cannot work there says so when it is opened.
 *
 * A program that uses one backend alone, or has a backend of its own, imports `@sendzc/core` and `@sendzc/sendmsg` or `@sendzc/uring`.
 * @packageDocumentation
 */
export {
  AUTO_DEFAULTS,
  type Backend,
  type BackendName,
  type Broadcast,
  BufferPool,
  broadcast,
  type Capability,
  type CapabilityCheck,
  type DatagramOptions,
  type DescriptorTarget,
  type Destination,
  type DriverCounters,
  destination,
  ERROR_CODES,
  type FileSource,
  LIMITS,
  type OpenWriterOptions,
  type OwnPathCause,
  openWriter,
  type PoolPages,
  type ReleaseOutcome,
  type ResetCause,
  type SentBody,
  type SentWrite,
  type SocketKind,
  type ToWritableOptions,
  toWritable,
  type WriteData,
  type WriteFileOptions,
  type WriteOptions,
  type WriterOptions,
  type WriterStats,
  type WriterTarget,
  ZeroCopyError,
  type ZeroCopyErrorCode,
  type ZeroCopyErrorInit,
  type ZeroCopyStats,
  type ZeroCopyWriter,
  zeroCopyStats,
} from '@sendzc/core'
export {
  type BufferPoolOptions,
  bufferPool,
  type CopyOptions,
  copy,
  type ErrqueueOptions,
  errqueue,
  type InlineOptions,
  inline,
} from '@sendzc/sendmsg'
export { type FixedPool, type RingDescription, type UringBackend, type UringOptions, uring } from '@sendzc/uring'
export { auto } from './auto.js'
export { type SendBodyOptions, sendBody } from './send-body.js'
export { type ZeroCopyOptions, zeroCopy } from './zero-copy.js'
