/**
 * The io_uring backend: IORING_OP_SEND_ZC and IORING_OP_SENDMSG_ZC on one shared ring. Linux 6.1 or newer; the import works anywhere.
 * @packageDocumentation
 */
export type { FixedPool } from './fixed-pool.js'
export { type ResolvedUringOptions, URING_LIMITS, type UringOptions, uringOptionsSchema } from './options.js'
export type { RingDescription } from './ring.js'
export { type UringBackend, uring } from './uring-backend.js'
