import type { BackendName } from './driver.js'

/** One thing that was looked at, and what was found. */
export interface CapabilityCheck {
  /** What was looked at, for example `SO_ZEROCOPY on TCP` or `kernel.io_uring_disabled`. */
  name: string
  ok: boolean
  /** What was found, for example `2` or `EPERM`. */
  found: string
  /** What to do when it is not ok. */
  remedy?: string
}

/** What {@link Backend.probe} answers. */
export interface Capability {
  backend: BackendName
  /** True where `open` can succeed on a suitable socket. */
  available: boolean
  /** One sentence: the cause where it is not available, else what will be used. */
  reason: string
  /** What to do about it; only where not available. */
  remedy?: string
  checks: CapabilityCheck[]
}
