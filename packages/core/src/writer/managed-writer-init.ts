import type { ZeroCopyError } from '../errors.js'
import type { ResolvedWriterOptions } from '../open/options.js'

/** What a writer is made of, besides its driver. */
export interface ManagedWriterInit {
  options: ResolvedWriterOptions
  /** Asked once, when the driver is open. */
  choice: () => string
  /** Runs once, when the writer has let go of the socket. */
  onClosed: () => void
  /** Runs once, when the connection is broken: the error that every later write gets. */
  onBroken: (error: ZeroCopyError) => void
  /** Runs once, when a zero-copy send was refused for want of memory with nothing in flight. */
  onLimit: (message: string) => void
}
