import type { Backend, SocketKind } from '@sendzc/core'
import { type Driver, type DriverSink, Errno, Release, type SendBatch, TABLE_WORDS, Wake } from '@sendzc/core/driver'
import { describe, expect, it } from 'vitest'
import { DriverLoad } from '../src/loads/driver-load.js'

const SIZE_BYTES = 100

/** A driver whose kernel answers as a test says, one answer per message, and releases when it is collected. */
class ScriptedDriver implements Driver {
  readonly backend = 'memory'
  readonly zerocopy = true
  readonly readsErrorQueue = false
  readonly maxSegmentsPerMessage = 1
  readonly group = null
  readonly events: string[] = []
  sink: DriverSink | undefined
  maxInFlight = 0
  /** Answers to the next messages; when it is empty, everything is taken. */
  answers: number[] = []
  #unreleased: number[] = []
  #armed = 0

  constructor(readonly kind: SocketKind) {}

  submit(batch: SendBatch): void {
    this.events.push(`submit ${batch.messageCount}`)
    let broken = false
    for (let m = 0; m < batch.messageCount; m++) {
      const token = batch.table[m * TABLE_WORDS] as number
      const result: number = broken ? -Errno.ECANCELED : (this.answers.shift() ?? SIZE_BYTES)
      this.sink?.sent(token, result)
      if (result >= 0) this.#unreleased.push(token)
      else this.sink?.released(token, Release.None)
      broken ||= this.kind === 'stream' && result !== SIZE_BYTES
    }
  }

  collect(): void {
    for (const token of this.#unreleased.splice(0)) this.sink?.released(token, Release.Copied)
  }

  arm(bits: number): void {
    if ((bits & ~this.#armed) === 0) return
    this.#armed |= bits
    this.events.push(`arm ${bits}`)
    setImmediate(() => {
      this.#armed &= ~bits
      this.sink?.wake(bits)
    })
  }

  flush(): void {}
  disarm(): void {}
  abort(): void {}
  close(): number {
    return 0
  }
  counters() {
    const none = { sendCalls: 0, collectCalls: 0, emptyCollectCalls: 0, notifications: 0, notifiedIds: 0 }
    return { ...none, foreignErrors: 0, pinnedBytes: 0 }
  }
}

function loadOver(driver: ScriptedDriver, interval = 1): DriverLoad {
  const backend: Backend = {
    name: 'memory',
    probe: () => ({ backend: 'memory', available: true, reason: '', checks: [] }),
    open: ({ sink, maxInFlight }) => {
      driver.sink = sink
      driver.maxInFlight = maxInFlight
      return driver
    },
  }
  return new DriverLoad({ backend, fd: 0, interval, payload: new Uint8Array(SIZE_BYTES) })
}

describe('driver load', () => {
  it('waits for a full socket instead of asking again and again', async () => {
    const driver = new ScriptedDriver('stream')
    const load = loadOver(driver)
    driver.answers = [SIZE_BYTES, -Errno.EAGAIN]
    await load.run(3)
    expect(driver.events).toEqual(['submit 1', 'submit 1', `arm ${Wake.Writable}`, 'submit 1', 'submit 1'])
    expect(load.totals()).toMatchObject({ sends: 3, bytes: 300, fullSockets: 1 })
  })

  it('counts what a stream took of a message, and does not send the rest again, as the selftest does', async () => {
    const driver = new ScriptedDriver('stream')
    const load = loadOver(driver, 2)
    // The second of the burst is not attempted: it is no send, and comes again in the next burst.
    driver.answers = [40]
    await load.run(3)
    expect(driver.events).toEqual(['submit 2', 'submit 2'])
    expect(load.totals()).toMatchObject({ sends: 3, bytes: 240, partialSends: 1 })
  })

  it('waits for notifications when there is no memory for another', async () => {
    const driver = new ScriptedDriver('datagram')
    const load = loadOver(driver)
    driver.answers = [SIZE_BYTES, -Errno.ENOBUFS]
    await load.run(2)
    await load.drain()
    expect(load.totals()).toMatchObject({ sends: 2, noBuffers: 1, copiedSends: 2, zerocopySends: 0 })
  })

  it('says that a limit is too low when there is no memory for the first one', async () => {
    const driver = new ScriptedDriver('datagram')
    const load = loadOver(driver)
    driver.answers = [-Errno.ENOBUFS]
    await expect(load.run(1)).rejects.toThrow('optmem_max')
  })

  it('ends with the name of the error that the kernel answers', async () => {
    const driver = new ScriptedDriver('datagram')
    const load = loadOver(driver)
    driver.answers = [SIZE_BYTES, -Errno.ECONNREFUSED]
    await expect(load.run(9)).rejects.toThrow('ECONNREFUSED')
  })

  it('never has more in flight than it has tokens', async () => {
    const driver = new ScriptedDriver('datagram')
    const load = loadOver(driver, 64)
    await load.run(driver.maxInFlight * 3)
    await load.drain()
    const { sends, copiedSends } = load.totals()
    expect(copiedSends).toBe(sends)
  })
})
