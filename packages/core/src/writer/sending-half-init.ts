import type { Driver, DriverSink } from '../driver/driver.js'
import type { ZeroCopyError } from '../errors.js'
import type { Ending } from './endings.js'
import type { ResolvedWriterOptions } from './options.js'
import type { Way } from './way.js'

/** Parts of a sending half. */
export interface SendingHalfInit {
  options: ResolvedWriterOptions
  /** Knowledge about the way to the peer, shared with other senders to that peer. Left out: a way of its own. */
  way?: Way | undefined
  /** Opens the driver that reports to `sink`. */
  open: (sink: DriverSink) => Driver
  /** Runs once, when no further write is accepted: with the ending that a further write gets. */
  onEnding: (ending: Ending) => void
  /** Runs once, when the driver is closed. */
  onClosed: () => void
  /** Runs when a send finds the connection broken: with the error that every later write gets. */
  onBroken: (error: ZeroCopyError) => void
  /** Runs whenever a zero-copy send was refused for want of memory with nothing in flight. */
  onLimit: (message: string) => void
  /** Runs when the half stops asking for zero-copy, since the kernel copies. */
  onDemoted?: () => void
  /** Runs whenever the kernel took bytes, or the peer's acknowledgement freed bytes. */
  onProgress?: (() => void) | undefined
}
