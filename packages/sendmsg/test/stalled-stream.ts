import { type Driver, type DriverSink, Errno, MessageFlag, type ReleaseKind, SendBatch } from '@sendzc/core/driver'
import { errqueue } from '../src/index.js'
import { contentAt } from './memory-pressure.js'

/** Bytes of one message: small enough that its memory comes from the heap, where what is freed is soon used again. */
export const MESSAGE_BYTES = 65_536
const MAX_MESSAGES = 512

/** Sends content on a stream whose peer does not read, until the socket takes no more, so that memory stays in flight. */
export class StalledStream implements DriverSink {
  readonly driver: Driver
  /** Bytes that the kernel took. */
  sentBytes = 0
  releases = 0
  /** Memory of the messages, by token. */
  readonly buffers: (Uint8Array | undefined)[] = []
  onSent: () => void = () => undefined
  onReleased: () => void = () => undefined
  onWake: (bits: number) => void = () => undefined
  #full = false

  constructor(fd: number) {
    this.driver = errqueue().open({ fd, sink: this, maxInFlight: MAX_MESSAGES })
  }

  sent(_token: number, result: number): void {
    if (result > 0) this.sentBytes += result
    else if (result === -Errno.EAGAIN) this.#full = true
    else throw new Error(`sent with ${result}`)
    if (result < MESSAGE_BYTES) this.#full = true
    this.onSent()
  }

  released(token: number, _release: ReleaseKind): void {
    this.releases++
    this.buffers[token] = undefined
    this.onReleased()
  }

  wake(bits: number): void {
    this.onWake(bits)
  }

  /** Messages submitted and not yet released. */
  get inFlight(): number {
    return this.buffers.length - this.releases
  }

  /** Sends until the socket takes no more, or every message is in flight. */
  fill(): void {
    const batch = new SendBatch(1, 1)
    while (!this.#full && this.buffers.length < MAX_MESSAGES) {
      const token = this.buffers.length
      const buffer = contentAt(this.sentBytes, MESSAGE_BYTES)
      this.buffers.push(buffer)
      batch.addSegment(buffer)
      batch.endMessage(token, 1, MessageFlag.Zerocopy)
      this.driver.submit(batch)
      batch.clear()
    }
  }
}
