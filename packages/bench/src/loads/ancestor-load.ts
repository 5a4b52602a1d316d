import { PageSender } from '@sendzc/socket'
import type { AncestorLabel } from '../cells/cell.js'
import { BenchFailure, ExitStatus, messageOf } from '../cli/failure.js'
import { type Load, type LoadTotals, STALL_TIMEOUT_MS } from './load.js'

/** Socket and payload of an {@link AncestorLoad}. */
export interface AncestorLoadOptions {
  path: AncestorLabel
  /** A connected stream socket; stays the caller's. */
  fd: number
  /** Messages of one native call, as at the driver level. */
  interval: number
  /** The payload of every message. */
  payload: Uint8Array
}

/** Sends the same bytes as a driver's load, by a system call that never reports when the memory is free. */
export class AncestorLoad implements Load {
  readonly #sender: PageSender
  readonly #interval: number

  /** @throws ZeroCopyError when it cannot be opened */
  constructor({ path, fd, interval, payload }: AncestorLoadOptions) {
    this.#interval = interval
    this.#sender = PageSender.open({
      fd,
      path,
      content: payload,
      messageBytes: payload.byteLength,
      writableTimeoutMs: STALL_TIMEOUT_MS,
    })
  }

  async run(sends: number): Promise<void> {
    try {
      for (let left = sends; left > 0; left -= this.#interval) await this.#sender.send(this.#interval)
    } catch (error) {
      throw new BenchFailure(messageOf(error), ExitStatus.Failed, error)
    }
  }

  /** There is nothing to wait for: no notification will come. */
  drain(): Promise<void> {
    return Promise.resolve()
  }

  totals(): LoadTotals {
    const { messages, bytes, calls, fullSockets } = this.#sender.totals()
    return {
      sends: messages,
      bytes,
      messages,
      zerocopySends: 0,
      copiedSends: 0,
      partialSends: 0,
      fullSockets,
      noBuffers: 0,
      driver: { sendCalls: calls, collectCalls: 0, emptyCollectCalls: 0, notifications: 0, notifiedIds: 0 },
    }
  }

  close(): Promise<void> {
    this.#sender.close()
    return Promise.resolve()
  }
}
