import type { Capability } from '../src/driver/capabilities.js'
import {
  type Backend,
  type BackendName,
  type Driver,
  type DriverCounters,
  type DriverFailure,
  type DriverOpenOptions,
  type DriverSink,
  type ReleaseKind,
  type SendBatch,
  type SocketKind,
  TABLE_WORDS,
  Wake,
} from '../src/driver/driver.js'

/** A backend that stands between a writer and another backend, and notes where either breaks its contract with the other. */
export class DriverWitness implements Backend {
  readonly violations: string[] = []
  submits = 0
  openDrivers = 0
  readonly #backend: Backend
  readonly #drivers: WitnessedDriver[] = []

  constructor(backend: Backend) {
    this.#backend = backend
  }

  get name(): BackendName {
    return this.#backend.name
  }

  /** Bits that are armed on any driver. */
  get armed(): number {
    return this.#drivers.reduce((bits, driver) => bits | driver.armed, 0)
  }

  probe(): Capability {
    return this.#backend.probe()
  }

  open(options: DriverOpenOptions): Driver {
    const sink = new WitnessedSink(this, options)
    const driver = new WitnessedDriver(this, this.#backend.open({ ...options, sink }), sink)
    this.#drivers.push(driver)
    this.openDrivers++
    return driver
  }
}

class WitnessedSink implements DriverSink {
  readonly maxInFlight: number
  readonly tokens = new Map<number, 'submitted' | 'sent'>()
  armed = 0
  unanswered = 0
  readonly #witness: DriverWitness
  readonly #sink: DriverSink

  constructor(witness: DriverWitness, { sink, maxInFlight }: DriverOpenOptions) {
    this.#witness = witness
    this.#sink = sink
    this.maxInFlight = maxInFlight
  }

  sent(token: number, result: number): void {
    if (this.tokens.get(token) !== 'submitted') this.#witness.violations.push(`driver: sent(${token}) is not the first`)
    this.tokens.set(token, 'sent')
    this.unanswered--
    this.#sink.sent(token, result)
  }

  released(token: number, release: ReleaseKind): void {
    if (this.tokens.get(token) !== 'sent') this.#witness.violations.push(`driver: released(${token}) without its sent`)
    this.tokens.delete(token)
    this.#sink.released(token, release)
  }

  wake(bits: number): void {
    this.armed &= ~bits
    this.#sink.wake(bits)
  }
}

class WitnessedDriver implements Driver {
  readonly #witness: DriverWitness
  readonly #driver: Driver
  readonly #sink: WitnessedSink
  #closed = false

  constructor(witness: DriverWitness, driver: Driver, sink: WitnessedSink) {
    this.#witness = witness
    this.#driver = driver
    this.#sink = sink
  }

  get armed(): number {
    return this.#closed ? 0 : this.#sink.armed
  }

  get backend(): BackendName {
    return this.#driver.backend
  }

  get kind(): SocketKind {
    return this.#driver.kind
  }

  get zerocopy(): boolean {
    return this.#driver.zerocopy
  }

  get readsErrorQueue(): boolean {
    return this.#driver.readsErrorQueue
  }

  get maxInFlight(): number {
    return this.#driver.maxInFlight
  }

  get maxSegmentsPerMessage(): number {
    return this.#driver.maxSegmentsPerMessage
  }

  get group(): object | null {
    return this.#driver.group
  }

  submit(batch: SendBatch): void {
    this.#witness.submits++
    this.#check(batch)
    this.#sink.unanswered += batch.messageCount
    this.#driver.submit(batch)
  }

  flush(): void {
    this.#driver.flush()
  }

  collect(): void {
    if (this.#closed) this.#violation('collect after close')
    this.#driver.collect()
  }

  arm(bits: number): void {
    if (this.#closed) this.#violation('arm after close')
    const { tokens, unanswered } = this.#sink
    if ((bits & Wake.Notification) !== 0 && tokens.size === unanswered) this.#violation('armed for a notification with nothing sent')
    this.#sink.armed |= bits
    this.#driver.arm(bits)
  }

  disarm(bits: number): void {
    this.#sink.armed &= ~bits
    this.#driver.disarm(bits)
  }

  abort(): void {
    this.#driver.abort()
  }

  answeredBy(token: number): string | DriverFailure {
    return this.#driver.answeredBy?.(token) ?? 'sendmsg'
  }

  failure(): DriverFailure | undefined {
    return this.#driver.failure?.()
  }

  counters(): DriverCounters {
    return this.#driver.counters()
  }

  close(): number {
    if (!this.#closed) this.#witness.openDrivers--
    this.#closed = true
    return this.#driver.close()
  }

  #check(batch: SendBatch): void {
    const { tokens, maxInFlight, unanswered } = this.#sink
    if (this.#closed) this.#violation('submit after close')
    if (batch.messageCount === 0) this.#violation('an empty batch')
    if (this.kind === 'stream' && unanswered > 0) this.#violation(`submit on a stream while ${unanswered} messages wait for their sent`)
    let segments = 0
    for (let at = 0; at < batch.messageCount * TABLE_WORDS; at += TABLE_WORDS) {
      const token = batch.table[at] as number
      const count = batch.table[at + 1] as number
      segments += count
      if (token >= maxInFlight) this.#violation(`token ${token} of ${maxInFlight}`)
      if (tokens.has(token)) this.#violation(`token ${token} is in flight already`)
      if (count > this.maxSegmentsPerMessage) this.#violation(`${count} segments in one message`)
      tokens.set(token, 'submitted')
    }
    if (segments !== batch.segmentCount) this.#violation(`${batch.segmentCount} segments, ${segments} of them in messages`)
  }

  #violation(what: string): void {
    this.#witness.violations.push(`writer: ${what}`)
  }
}
