import { SendBatch } from '../driver/driver.js'

/** Messages, and segments, of one native call. */
const MAX_BATCH_MESSAGES = 64
const MAX_BATCH_SEGMENTS = 1_024

/** Shared by all writers of this thread: only one batch is filled at a time, and a single batch stays in the processor's caches. */
export const BATCH = new SendBatch(MAX_BATCH_MESSAGES, MAX_BATCH_SEGMENTS)
