/**
 * Backends on sendmsg(2): `errqueue` and `inline` send without copying, `copy` copies. Linux only; importing works anywhere.
 * @packageDocumentation
 */
export { bufferPool } from './buffer-pool.js'
export { copy } from './copy.js'
export { errqueue } from './errqueue.js'
export { inline } from './inline.js'
export {
  type BufferPoolOptions,
  bufferPoolOptionsSchema,
  type CopyOptions,
  copyOptionsSchema,
  type ErrqueueOptions,
  errqueueOptionsSchema,
  type InlineOptions,
  inlineOptionsSchema,
  LIMITS,
  type ResolvedBufferPoolOptions,
  type ResolvedErrqueueOptions,
  type ResolvedInlineOptions,
  SCM_ZC_NOTIFICATION,
} from './options.js'
export { MAX_SEGMENTS_PER_MESSAGE, processMemory, type SendmsgCounters } from './sendmsg-driver.js'
