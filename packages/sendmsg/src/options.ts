import { LIMITS as CORE_LIMITS } from '@sendzc/core'
import { z } from 'zod'

/** Upper bounds of the options of this package, in the unit that each name ends with. */
export const LIMITS = {
  /** Sends between two collections: as many as can be in flight. */
  intervalSends: CORE_LIMITS.maxInFlight,
  /** Notifications that one sendmsg returns (ZC_INFO_CAPACITY_MAX of the patched kernel). */
  inlineCapacity: 128,
} as const

/** Number of SCM_ZC_NOTIFICATION in the kernel of kernel/patches; no released kernel has it. */
export const SCM_ZC_NOTIFICATION = 0x5a43
/** Number of SCM_ZC_NOTIFICATION_USR, the variant that is filled through a pointer. */
export const SCM_ZC_NOTIFICATION_USR = 0x5a44

/** Options of `errqueue()`. */
export const errqueueOptionsSchema = z.strictObject({
  /**
   * System call that collects: `'recvmsg'` takes one range a call, as the kernel's documentation shows it (the baseline);
   * `'recvmmsg'` takes many.
   */
  collect: z.enum(['recvmsg', 'recvmmsg']).default('recvmmsg'),
  /** Zero-copy sends between two collections, made within `submit`. Without it the event loop says when. */
  interval: z.int().min(1).max(LIMITS.intervalSends).optional(),
})
/** Options of `errqueue()`, as a caller gives them. */
export type ErrqueueOptions = z.input<typeof errqueueOptionsSchema>
/** Options of `errqueue()`, with every default filled in. */
export type ResolvedErrqueueOptions = z.output<typeof errqueueOptionsSchema>

/** Options of `inline()`. */
export const inlineOptionsSchema = z.strictObject({
  /** `'cmsg'`: the kernel fills the control message itself. `'pointer'`: the control message says where to write. */
  via: z.enum(['cmsg', 'pointer']).default('cmsg'),
  /** Zero-copy sends of which one carries the placeholder. */
  interval: z.int().min(1).max(LIMITS.intervalSends).default(1),
  /**
   * Notifications that one placeholder has room for. Default: `interval`, up to the kernel's limit. With one, the control data fits
   * the kernel's stack.
   */
  capacity: z.int().min(1).max(LIMITS.inlineCapacity).optional(),
  /** Number of the control message, for a kernel that chose another. Default: {@link SCM_ZC_NOTIFICATION} or its pointer variant. */
  cmsgType: z.int().min(1).max(0x7fff_ffff).optional(),
})
/** Options of `inline()`, as a caller gives them. */
export type InlineOptions = z.input<typeof inlineOptionsSchema>
/** Options of `inline()`, with every default filled in. */
export type ResolvedInlineOptions = z.output<typeof inlineOptionsSchema>

/** Options of `copy()`: none so far. */
export const copyOptionsSchema = z.strictObject({})
/** Options of `copy()`, as a caller gives them. */
export type CopyOptions = z.input<typeof copyOptionsSchema>
