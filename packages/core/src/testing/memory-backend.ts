import type { Capability } from '../driver/capabilities.js'
import type { Backend, DriverOpenOptions, SocketKind } from '../driver/driver.js'
import { ZeroCopyError } from '../errors.js'
import { type HeldMessage, MemoryDriver } from './memory-driver.js'
import { type MemoryKernelOptions, MemorySocket } from './memory-kernel.js'
import { forEachId } from './notification-queue.js'

/** When a deferred driver reports `sent`: from within `flush`, or from the event loop after it. */
export type DeferredSent = 'flush' | 'loop'

/** Options of {@link memory}. */
export interface MemoryOptions extends MemoryKernelOptions {
  /** Holds submissions until `flush`, in one group, as io_uring does; null submits at once, as sendmsg does. Default null. */
  deferred?: DeferredSent | null
  /** False: every send is copied at once, as the copy backend does. Default true. */
  zerocopy?: boolean
  /** Segments of one message, at most. Default 16. */
  maxSegmentsPerMessage?: number
  /** Notifications fetched by one system call of `collect`. Default 16. */
  rangesPerCall?: number
  /** How `collect` walks a range of ids; a test replaces it to see that a wrong walk is caught. Default `forEachId`. */
  walkIds?: (lo: number, hi: number, visit: (id: number) => void) => void
}

/** Number of the first socket that the fake kernel opens; no real descriptor of a process comes near it. */
const FIRST_MEMORY_FD = 1_000_000
/** Sockets of one fake kernel, at most. */
const MAX_MEMORY_SOCKETS = 65_536

/**
 * A backend without a kernel, for tests of everything above a driver. It imports on any platform, opens no descriptor,
 * and waits for nothing but turns of the event loop.
 */
export class MemoryBackend implements Backend {
  readonly name = 'memory'
  /** Every driver that was opened, also closed ones. */
  readonly drivers: MemoryDriver[] = []
  /** @internal Messages that deferred drivers hold until the next flush of any of them. */
  readonly held: { driver: MemoryDriver; messages: HeldMessage[] }[] = []
  readonly options: Required<MemoryOptions>
  readonly #sockets = new Map<number, MemorySocket>()

  constructor(options: MemoryOptions = {}) {
    this.options = {
      kind: 'stream',
      seed: 1,
      sendBufferBytes: 262_144,
      bytesPerTurn: 65_536,
      firstId: 0,
      ranges: 'coalesced',
      copiedFraction: 0,
      maxUncollectedSends: Number.POSITIVE_INFINITY,
      maxDatagramBytes: 65_507,
      abortReleases: true,
      deferred: null,
      zerocopy: true,
      maxSegmentsPerMessage: 16,
      rangesPerCall: 16,
      walkIds: forEachId,
      ...options,
    }
  }

  /** Opens a connected socket of the fake kernel; its `fd` is a target for `openWriter`. */
  openSocket(kind: SocketKind = this.options.kind): MemorySocket {
    let fd = FIRST_MEMORY_FD
    while (this.#sockets.has(fd)) fd++
    return this.#addSocket(fd, kind)
  }

  /** The socket behind a number; an unknown number becomes a new socket, so that any fd will do as a target. */
  socket(fd: number): MemorySocket {
    return this.#sockets.get(fd) ?? this.#addSocket(fd, this.options.kind)
  }

  /** Forgets a socket, so that its number can be used again. */
  closeSocket(fd: number): void {
    this.#sockets.delete(fd)
  }

  probe(): Capability {
    return {
      backend: 'memory',
      available: true,
      reason: 'The memory backend works anywhere: it has no kernel.',
      checks: [{ name: 'kernel', ok: true, found: 'none needed' }],
    }
  }

  open(options: DriverOpenOptions): MemoryDriver {
    const driver = new MemoryDriver(this, this.socket(options.fd), options)
    this.drivers.push(driver)
    return driver
  }

  #addSocket(fd: number, kind: SocketKind): MemorySocket {
    if (this.#sockets.size >= MAX_MEMORY_SOCKETS) {
      throw new ZeroCopyError('ERR_ZC_LIMIT', `A memory backend opens ${MAX_MEMORY_SOCKETS} sockets at most.`)
    }
    const socket = new MemorySocket(fd, kind, this.options)
    this.#sockets.set(fd, socket)
    return socket
  }
}

/** Makes a {@link MemoryBackend}. */
export function memory(options: MemoryOptions = {}): MemoryBackend {
  return new MemoryBackend(options)
}
