// A backend as somebody outside this repository writes it: with a name of its own, and the published entry points alone.
import { fstatSync, writevSync } from 'node:fs'
import type { Backend, Capability, DriverCounters, SocketKind } from '@sendzc/core'
import { type Driver, type DriverOpenOptions, type DriverSink, Errno, Release, type SendBatch, TABLE_WORDS } from '@sendzc/core/driver'

const NO_COUNTS: DriverCounters = {
  sendCalls: 0,
  collectCalls: 0,
  emptyCollectCalls: 0,
  notifications: 0,
  notifiedIds: 0,
  foreignErrors: 0,
  pinnedBytes: 0,
}

/** Sends by `writev(2)`, which copies. It holds no descriptor of its own: its socket must outlive it. */
class WritevDriver implements Driver {
  readonly backend = 'writev'
  readonly kind: SocketKind = 'stream'
  readonly zerocopy = false
  readonly readsErrorQueue = false
  readonly maxSegmentsPerMessage = 16
  readonly group = null
  readonly maxInFlight: number
  readonly #fd: number
  readonly #sink: DriverSink
  #sendCalls = 0
  #closed = false
  #waiting: NodeJS.Immediate | undefined

  constructor({ fd, sink, maxInFlight }: DriverOpenOptions) {
    this.#fd = fd
    this.#sink = sink
    this.maxInFlight = maxInFlight
  }

  submit(batch: SendBatch): void {
    let segment = 0
    let stopped = false
    for (let at = 0; at < batch.messageCount * TABLE_WORDS; at += TABLE_WORDS) {
      const token = batch.table[at] ?? 0
      const end = segment + (batch.table[at + 1] ?? 0)
      const segments = batch.segments.slice(segment, end).filter((one) => one !== undefined)
      segment = end
      const result: number = stopped ? -Errno.ECANCELED : this.#write(segments)
      stopped ||= result < segments.reduce((sum, { byteLength }) => sum + byteLength, 0)
      this.#sink.sent(token, result)
      if (this.#closed) return
      this.#sink.released(token, Release.None)
      if (this.#closed) return
    }
  }

  flush(): void {}

  collect(): void {}

  arm(bits: number): void {
    this.#waiting ??= setImmediate(() => {
      this.#waiting = undefined
      this.#sink.wake(bits)
    })
  }

  disarm(): void {
    clearImmediate(this.#waiting)
    this.#waiting = undefined
  }

  abort(): void {}

  counters(): DriverCounters {
    return { ...NO_COUNTS, sendCalls: this.#sendCalls }
  }

  close(): number {
    this.#closed = true
    this.disarm()
    return 0
  }

  #write(segments: Uint8Array[]): number {
    this.#sendCalls++
    try {
      return writevSync(this.#fd, segments)
    } catch (error) {
      return (error as NodeJS.ErrnoException).errno ?? -Errno.EINVAL
    }
  }
}

/** Makes the backend. */
export function writev(): Backend {
  return {
    name: 'writev',
    probe: (): Capability => ({ backend: 'writev', available: true, reason: 'writev(2) is everywhere.', checks: [] }),
    open: (options): Driver => {
      if (!fstatSync(options.fd).isSocket()) throw new Error('not a socket')
      return new WritevDriver(options)
    },
  }
}
