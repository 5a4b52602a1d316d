import type { Backend, SocketKind } from '../src/driver/driver.js'
import type { ReleaseOutcome } from '../src/errors.js'
import type { InjectedFault } from '../src/testing/fault-script.js'
import type { WriterOptions } from '../src/writer/options.js'
import type { ZeroCopyWriter } from '../src/writer.js'
import { bounded, SUITE_LIMITS } from './bounded.js'
import type { ConformanceOptions, OpenWriter } from './contract.js'
import type { DatagramReceivers } from './datagram-receivers.js'
import { DriverSession } from './driver/session.js'
import type { ConnectedPair } from './peers.js'
import { openPacedUdpPair, slowUdpPairs } from './slow-pairs.js'
import { WriteLedger } from './write-ledger.js'

/** Opens what a case needs, and closes it when the case is over, however it ended. */
class Resources {
  readonly #options: ConformanceOptions
  readonly #disposals: (() => Promise<unknown>)[] = []

  constructor(options: ConformanceOptions) {
    this.#options = options
  }

  get kind(): SocketKind {
    return this.#options.kind
  }

  /** A connected pair. */
  async pair(): Promise<ConnectedPair> {
    const pair = await bounded(this.#options.openPair(), 'opening of a pair')
    this.onDispose(() => pair.dispose())
    return pair
  }

  /** A pair whose datagrams wait in the device. Only in cases with `needsSlowPair`. */
  async slowPair(): Promise<ConnectedPair> {
    const open = this.#options.openSlowPair ?? slowUdpPairs()
    const pair = await bounded(open(), 'opening of a slow pair')
    this.onDispose(() => pair.dispose())
    return pair
  }

  /** A pair whose device sends a datagram at its time. Only in cases with `needsPacedPair`. */
  async pacedPair(): Promise<ConnectedPair> {
    const pair = await bounded(openPacedUdpPair(), 'opening of a paced pair')
    this.onDispose(() => pair.dispose())
    return pair
  }

  /** A UDP socket without a peer, and `count` receivers. Only in cases with `needsReceivers`. */
  async receivers(count: number): Promise<DatagramReceivers> {
    if (this.#options.openReceivers === undefined) throw new Error('this suite has no receivers')
    const receivers = await bounded(this.#options.openReceivers(count), 'opening of receivers')
    this.onDispose(() => receivers.dispose())
    return receivers
  }

  /** Makes the next sends of `pair` fail. Only in cases with `needsInject`. */
  inject(pair: ConnectedPair, fault: InjectedFault): void {
    if (this.#options.inject === undefined) throw new Error('this backend cannot be made to fail')
    this.#options.inject(pair, fault)
  }

  /** Runs `disposal` when the case is over; the last one added comes first. */
  onDispose(disposal: () => Promise<unknown>): void {
    this.#disposals.push(disposal)
  }

  /** Ends everything that the case left open. */
  async dispose(): Promise<void> {
    const errors: unknown[] = []
    for (const disposal of this.#disposals.splice(0).reverse()) {
      await bounded(disposal(), 'disposal', SUITE_LIMITS.disposeMs).catch((error: unknown) => errors.push(error))
    }
    if (errors.length > 0) throw errors[0]
  }
}

/** Everything that a case of the writer's promises works with. */
export class Trial extends Resources {
  readonly #options: ConformanceOptions
  readonly #open: OpenWriter

  constructor(options: ConformanceOptions, open: OpenWriter) {
    super(options)
    this.#options = options
    this.#open = options.openWriter ?? open
  }

  /** See {@link ConformanceOptions.expectOutcomes}. */
  get expectOutcomes(): readonly ReleaseOutcome[] {
    return this.#options.expectOutcomes
  }

  /** A fresh backend object. */
  backend(): Backend {
    return this.#options.backend()
  }

  /** A writer on `pair`; aborted at the end of the case if it is still open. */
  async writer(pair: Pick<ConnectedPair, 'target'>, options: WriterOptions & { backend?: Backend } = {}): Promise<ZeroCopyWriter> {
    const writer = await this.openUnowned(pair.target, { ...this.#options.writerOptions, ...options })
    this.onDispose(() => writer.abort())
    return writer
  }

  /** Calls `openWriter` as it is given, without the options of the suite and without taking care of what it returns. */
  openUnowned(target: unknown, options: WriterOptions & { backend?: Backend }): Promise<ZeroCopyWriter> {
    const opening = this.#open(target as never, { ...options, backend: options.backend ?? this.backend() })
    return bounded(opening, 'opening of a writer')
  }

  /** A pair, a writer on it, and a ledger for its writes. */
  async start(options: WriterOptions = {}): Promise<{ pair: ConnectedPair; writer: ZeroCopyWriter; ledger: WriteLedger }> {
    const pair = await this.pair()
    const writer = await this.writer(pair, options)
    return { pair, writer, ledger: new WriteLedger(writer) }
  }
}

/** Everything that a case of the driver's promises works with. */
export class DriverTrial extends Resources {
  readonly #options: ConformanceOptions

  constructor(options: ConformanceOptions) {
    super(options)
    this.#options = options
  }

  /** A driver on `pair`, with a sink that watches it; closed at the end of the case. */
  session(pair: ConnectedPair, maxInFlight = 64): DriverSession {
    const session = new DriverSession(this.#options.backend(), pair.fd, maxInFlight)
    this.onDispose(async () => session.driver.close())
    return session
  }

  /** A pair and a driver on it. */
  async start(maxInFlight = 64): Promise<{ pair: ConnectedPair; session: DriverSession }> {
    const pair = await this.pair()
    return { pair, session: this.session(pair, maxInFlight) }
  }
}
