import { spawnSync } from 'node:child_process'
import type { LoopbackHost } from './loopback-pairs.js'
import type { ConnectedPair } from './peers.js'
import { RemotePeers } from './remote-pairs.js'

/** Rate of the device of a slow pair: a datagram of 200 bytes takes 2 ms, and dozens wait: longer than a busy machine keeps the sender from its processor. */
const SLOW_KBIT_PER_S = 1_000
/** Bytes that leave at once before the rate holds: the least that tbf takes on a loopback device, whose MTU is 65,536. */
const BURST_BYTES = 66_000
/** Bytes that wait in the device at most, more than a sender of these pairs can have queued. */
const QUEUE_BYTES = 4_000_000
/** How long the namespace may take to be set up, in ms. */
const SETUP_MS = 10_000

/** Shell command that makes the loopback device of a network namespace slow: a datagram waits in its queue, and is not copied before it leaves. */
export function slowLoopback(rateKbitPerS: number, queueBytes = QUEUE_BYTES): string {
  return `tc qdisc add dev lo root tbf rate ${rateKbitPerS}kbit burst ${BURST_BYTES} limit ${queueBytes}`
}

/** A command that runs another in a network namespace of its own, whose loopback device is up and was set up by `setup` (shell commands). */
export function inNamespace(setup: string): string[] {
  return ['unshare', '--net', '--map-root-user', 'sh', '-ec', `ip link set lo up && ${setup} && exec "$0" "$@"`]
}

/** UDP pairs within a network namespace whose loopback device keeps datagrams for a while. One process has all of them; it ends with this one. */
class NamespacePairs {
  readonly #setup: string
  readonly #what: string
  #unavailable: string | null | undefined
  #peers: RemotePeers | undefined

  /**
   * @param setup - shell command that makes the device so
   * @param what - the device, in words
   */
  constructor(setup: string, what: string) {
    this.#setup = setup
    this.#what = what
  }

  /** Why this host can open no such pair; null where it can. */
  why(): string | null {
    if (this.#unavailable === undefined) {
      const [file = '', ...args] = inNamespace(this.#setup)
      const { error, status, stderr } = spawnSync(file, [...args, 'true'], { encoding: 'utf8', timeout: SETUP_MS })
      if (error !== undefined) this.#unavailable = `unshare(1) cannot be run: ${error.message}`
      else this.#unavailable = status === 0 ? null : `no network namespace with ${this.#what}: ${stderr.trim()}`
    }
    return this.#unavailable
  }

  open(host: LoopbackHost): Promise<ConnectedPair> {
    if (this.#peers === undefined) {
      this.#peers = new RemotePeers(inNamespace(this.#setup))
      this.#peers.unref()
    }
    return this.#peers.senders(host)()
  }
}

const slow = new NamespacePairs(slowLoopback(SLOW_KBIT_PER_S), 'a slow device')
/** fq(8) sends a datagram at the time that it has (SO_TXTIME). */
const paced = new NamespacePairs('tc qdisc add dev lo root fq', 'a device that paces (fq)')

/** Why this host can open no slow pair; null where it can. */
export const whyNoSlowPairs = (): string | null => slow.why()

/** Why this host can open no paced pair; null where it can. */
export const whyNoPacedPairs = (): string | null => paced.why()

/**
 * Makes an `openPair` of UDP sockets whose device is slow, so that datagrams wait in it, not copied: loopback alone delivers a datagram within its
 * send, and memory that is released too early has been read by then.
 */
export function slowUdpPairs(host: LoopbackHost = '127.0.0.1'): () => Promise<ConnectedPair> {
  return () => slow.open(host)
}

/** Opens UDP sockets whose device sends a datagram at its time. */
export function openPacedUdpPair(): Promise<ConnectedPair> {
  return paced.open('127.0.0.1')
}
