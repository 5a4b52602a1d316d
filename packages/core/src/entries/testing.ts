/**
 * A driver without a kernel, whose answers and notifications a test scripts.
 * @packageDocumentation
 */
export { type DeferredSent, MemoryBackend, type MemoryOptions, memory } from '../testing/memory-backend.js'
