import type { Driver } from '../driver/driver.js'
import type { WriteData, WriteOptions } from '../writer.js'
import { Envelopes } from './envelope.js'
import type { PendingWrite } from './pending-write.js'
import { signalOf } from './signal-watch.js'
import { toPendingWrite } from './write-data.js'

/** Checks the arguments of `write()`, and makes a write of them. */
export class WriteIntake {
  readonly #maxSegments: number
  readonly #envelopes: Envelopes

  constructor(driver: Driver) {
    this.#maxSegments = driver.kind === 'stream' ? Number.POSITIVE_INFINITY : driver.maxSegmentsPerMessage
    this.#envelopes = new Envelopes(driver)
  }

  /**
   * The caller watches the signal of the options.
   * @param sequence - position of the write in the order of calls
   * @throws ZeroCopyError where the write can't be sent, or its signal is aborted
   */
  take(data: WriteData, options: WriteOptions | undefined, sequence: number): PendingWrite {
    const write = toPendingWrite(data, sequence, this.#maxSegments)
    if (options === undefined) return write
    signalOf(options)
    write.envelope = this.#envelopes.of(options, write.bytes)
    return write
  }
}
