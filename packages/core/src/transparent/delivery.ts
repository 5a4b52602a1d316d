import type { Socket } from 'node:net'
import type { InnerSocket } from './open-half.js'
import { sharingOf } from './socket-layer.js'

type CountingHandle = { readonly bytesWritten?: number; readonly writeQueueSize?: number }

/**
 * Measures how far the peer of a socket has come: by what it has acknowledged while the socket shares memory, and otherwise by the bytes that
 * the kernel has taken.
 */
export class DeliveryMeter {
  readonly #socket: Socket
  #acknowledged: number | undefined
  #taken = 0

  constructor(socket: Socket) {
    this.#socket = socket
    this.progress()
  }

  /** Bytes since the last call. */
  progress(): number {
    const sharing = sharingOf(this.#socket)
    const handle = (this.#socket as unknown as InnerSocket)._handle as CountingHandle | null | undefined
    const [acknowledgedBefore, takenBefore] = [this.#acknowledged, this.#taken]
    this.#acknowledged = sharing?.acknowledgedBytes
    this.#taken = (handle?.bytesWritten ?? 0) - (handle?.writeQueueSize ?? 0) + (sharing?.takenBytes ?? 0)
    if (this.#acknowledged !== undefined && acknowledgedBefore !== undefined) return this.#acknowledged - acknowledgedBefore
    return Math.max(0, this.#taken - takenBefore)
  }
}
