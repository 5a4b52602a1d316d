import type { Backend, SocketKind } from '../src/driver/driver.js'
import type { ReleaseOutcome } from '../src/errors.js'
import type { InjectedFault } from '../src/testing/fault-script.js'
import type { WriterOptions } from '../src/writer/options.js'
import type { ZeroCopyWriter } from '../src/writer.js'
import type { DatagramReceivers } from './datagram-receivers.js'
import type { ConnectedPair } from './peers.js'
import type { DriverTrial, Trial } from './trial.js'

/** The functions of a test framework that the suite needs: those of vitest, jest, mocha and node:test fit. */
export interface TestFramework {
  /** Groups tests under a name. */
  describe: (name: string, body: () => void) => unknown
  /** Registers one test. */
  it: TestFunction
}

/** `it` of a test framework; where it has a `skip`, cases that cannot run are registered there with their reason. */
export interface TestFunction {
  // biome-ignore lint/suspicious/noExplicitAny: frameworks pass contexts of their own
  (name: string, body: (...context: any[]) => Promise<void>, timeoutMs?: number): unknown
  // biome-ignore lint/suspicious/noExplicitAny: as above
  skip?: (name: string, body: (...context: any[]) => Promise<void>) => unknown
}

/** How the suite opens a writer; `openWriter` has this form. */
export type OpenWriter = (target: never, options: WriterOptions & { backend: Backend }) => Promise<ZeroCopyWriter>

/** The description of a backend that its author gives to {@link conformance}. */
export interface ConformanceOptions extends TestFramework {
  /** Name of the suite in the report, for example `errqueue tcp4`. */
  name: string
  /** Kind of the sockets that `openPair` makes. */
  kind: SocketKind
  /** Opens a connected pair; the suite disposes of it. See `tcpPairs`, `udpPairs` and `RemotePeers`. */
  openPair: () => Promise<ConnectedPair>
  /**
   * Opens a datagram pair whose datagrams wait in the device for some milliseconds and are not copied before they leave. Default: UDP in a
   * network namespace of its own, which needs unshare(1), tc(8) and the right to use them; without them the cases are skipped, visibly.
   */
  openSlowPair?: () => Promise<ConnectedPair>
  /**
   * Opens a UDP socket without a peer, and that many receivers: see `udpReceivers`. For a backend whose drivers have an `addressFamily`; without it the cases about
   * addressed datagrams are left out.
   */
  openReceivers?: (count: number) => Promise<DatagramReceivers>
  /** The backend under test. Called once for each writer. */
  backend: () => Backend
  /**
   * The outcomes that a write large enough for zero-copy may have here. Loopback reception copies on a stock kernel: `['copied']`;
   * a list of one is the stricter test.
   */
  expectOutcomes: readonly ReleaseOutcome[]
  /** Writer options of every case, beneath those that a case sets itself. */
  writerOptions?: WriterOptions
  /** Makes the next sends of a pair fail. Without it the cases that need it are left out: the memory driver runs them. */
  inject?: (pair: ConnectedPair, fault: InjectedFault) => void
  /** Default: the `openWriter` of this package. */
  openWriter?: OpenWriter
  /** Names of the promises to run; default all. */
  only?: readonly string[]
  /** Promises that cannot hold here, with the reason. The suite registers them as skipped, so that a reader sees each. */
  skip?: Readonly<Record<string, string>>
}

/** One test of a promise. */
export interface PromiseCase<T> {
  name: string
  /** Kinds of socket that it applies to; default both. */
  kinds?: readonly SocketKind[]
  /** True: it applies only where there is {@link ConformanceOptions.inject}. */
  needsInject?: boolean
  /** True: it applies only where there is {@link ConformanceOptions.openReceivers}. */
  needsReceivers?: boolean
  /** True: it takes a {@link ConformanceOptions.openSlowPair}. */
  needsSlowPair?: boolean
  /** True: it takes a pair whose device keeps to the time of a datagram. */
  needsPacedPair?: boolean
  run: (trial: T) => Promise<void>
}

/** One promise of the contract, and the cases that hold a backend to it. */
export interface ContractPromise<T = Trial> {
  /** Kebab-case; failures are reported under this name. */
  name: string
  /** The promise in one sentence. */
  says: string
  cases: readonly PromiseCase<T>[]
}

/** A promise of the contract between driver and writer. */
export type DriverPromise = ContractPromise<DriverTrial>
