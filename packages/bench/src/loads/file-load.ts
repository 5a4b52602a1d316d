import { createReadStream } from 'node:fs'
import type { FileHandle } from 'node:fs/promises'
import type { Socket } from 'node:net'
import { pipeline } from 'node:stream/promises'
import type { ZeroCopyWriter } from '@sendzc/core'
import type { Load, LoadTotals } from './load.js'
import { writerTotals } from './writer-totals.js'

const NO_CALLS = { sendCalls: 0, collectCalls: 0, emptyCollectCalls: 0, notifications: 0, notifiedIds: 0 }

/** Sends a file again and again by `writeFile()`: `interval` outstanding, then all awaited. */
export class WriteFileLoad implements Load {
  readonly #writer: ZeroCopyWriter
  readonly #file: FileHandle
  readonly #interval: number
  #sends = 0
  #bytes = 0

  /** @param writer - closed by {@link close} */
  constructor(writer: ZeroCopyWriter, file: FileHandle, interval: number) {
    this.#writer = writer
    this.#file = file
    this.#interval = interval
  }

  async run(sends: number): Promise<void> {
    for (let left = sends; left > 0; left -= this.#interval) {
      const burst = Array.from({ length: this.#interval }, () => this.#writer.writeFile(this.#file))
      for (const { bytes } of await Promise.all(burst)) {
        this.#sends++
        this.#bytes += bytes
      }
    }
  }

  drain(): Promise<void> {
    return Promise.resolve()
  }

  totals(): LoadTotals {
    return writerTotals({ sends: this.#sends, bytes: this.#bytes }, this.#writer.stats())
  }

  close(): Promise<void> {
    return this.#writer.close()
  }
}

/** Sends a file again and again by `pipeline()` from a read stream, as a program without a writer does: one after the other. */
export class FileStreamLoad implements Load {
  readonly #socket: Socket
  readonly #file: FileHandle
  #sends = 0
  readonly #sizeBytes: number

  constructor(socket: Socket, file: FileHandle, sizeBytes: number) {
    this.#socket = socket
    this.#file = file
    this.#sizeBytes = sizeBytes
    // Each pipeline adds its listeners, and takes them away.
    socket.setMaxListeners(0)
  }

  async run(sends: number): Promise<void> {
    for (let left = sends; left > 0; left--) {
      // By number: each stream over a FileHandle would add a listener to it.
      const stream = createReadStream('', { fd: this.#file.fd, start: 0, autoClose: false })
      await pipeline(stream, this.#socket, { end: false })
      this.#sends++
    }
  }

  drain(): Promise<void> {
    return Promise.resolve()
  }

  totals(): LoadTotals {
    const bytes = this.#sends * this.#sizeBytes
    const none = { zerocopySends: 0, partialSends: 0, fullSockets: 0, noBuffers: 0 }
    return { sends: this.#sends, bytes, messages: this.#sends, copiedSends: this.#sends, ...none, driver: NO_CALLS }
  }

  close(): Promise<void> {
    return Promise.resolve()
  }
}
