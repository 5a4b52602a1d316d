import { ZeroCopyError } from '@sendzc/core'
import { failureError, fixedBufferFailure } from './failures.js'
import { loadNative } from './native.js'

/**
 * Buffers that are registered with the ring, so that a zero-copy send from one needs no page lookup and no accounting
 * (io_uring_register(2), IORING_REGISTER_BUFFERS; Linux 5.1, with SEND_ZC 6.0). A write of one segment that lies in one of them uses it
 * by itself; a write of several segments works, as any other memory does.
 *
 * The memory belongs to the pool, which keeps it for the life of the environment.
 */
export class FixedPool {
  /** Buffers of the pool. */
  readonly count: number
  /** Size of each, in bytes. */
  readonly bytes: number
  #region = -1
  #memory: ArrayBuffer | undefined
  #stride = 0
  readonly #free: number[] = []

  /** @internal Made by `uring({ fixedBuffers })`. */
  constructor(count: number, bytes: number) {
    this.count = count
    this.bytes = bytes
    for (let slot = count - 1; slot >= 0; slot--) this.#free.push(slot)
  }

  /** Buffers that {@link acquire} could hand out, apart from those the kernel still reads. */
  get available(): number {
    return this.#free.length
  }

  /** @internal Number of the memory in the addon; maps it at first. */
  get region(): number {
    if (this.#region >= 0) return this.#region
    const native = loadNative()
    const region = native.createRegion(this.count, this.bytes)
    if (region < 0) throw failureError(fixedBufferFailure(-region, this.count * this.bytes), -region, 'mmap')
    this.#memory = native.regionBuffer(region)
    this.#stride = this.#memory.byteLength / this.count
    this.#region = region
    return region
  }

  /**
   * Takes a buffer. It is yours until {@link release}; its contents are whatever its last user left.
   * @throws ZeroCopyError ERR_ZC_LIMIT when every buffer is taken or still read by the kernel
   */
  acquire(): Uint8Array {
    const native = loadNative()
    const region = this.region
    for (let tried = this.#free.length; tried > 0; tried--) {
      const slot = this.#free.pop() as number
      if (native.regionInFlight(region, slot) === 0) return new Uint8Array(this.#memory as ArrayBuffer, slot * this.#stride, this.bytes)
      // The kernel still reads it: to the other end, for a later time.
      this.#free.unshift(slot)
    }
    throw new ZeroCopyError('ERR_ZC_LIMIT', `All ${this.count} fixed buffers are taken or in flight.`, {
      remedy: 'Release buffers when their writes are released, or raise fixedBuffers.count.',
    })
  }

  /**
   * Gives a buffer back. One that is still in flight is not handed out before the kernel has let go of it.
   * @throws ZeroCopyError ERR_ZC_INVALID_ARGUMENT when it is not a taken buffer of this pool
   */
  release(buffer: Uint8Array): void {
    const slot = buffer.buffer === this.#memory ? buffer.byteOffset / this.#stride : -1
    if (!Number.isInteger(slot) || slot < 0 || this.#free.includes(slot)) {
      throw new ZeroCopyError('ERR_ZC_INVALID_ARGUMENT', 'release() takes a buffer that acquire() of the same pool gave, once.')
    }
    this.#free.push(slot)
  }
}
