import type { BackendName } from '../writer.js'

/** One check of a probe, with its result. */
export interface CapabilityCheck {
  /** Subject of the check, for example `SO_ZEROCOPY on TCP` or `kernel.io_uring_disabled`. */
  name: string
  /** Whether the check passed. */
  ok: boolean
  /** The finding, for example `2` or `EPERM`. */
  found: string
  /** One sentence on what to do; set where the check failed. */
  remedy?: string
}

/** The answer of {@link Backend.probe}. */
export interface Capability {
  /** Name of the backend. */
  backend: BackendName
  /** True where `open` can succeed on a suitable socket. */
  available: boolean
  /** One sentence: the cause where the backend is not available, else the interface that it uses. */
  reason: string
  /** One sentence on what to do; set where the backend is not available. */
  remedy?: string
  /** Every check that was made, in order. */
  checks: CapabilityCheck[]
}
