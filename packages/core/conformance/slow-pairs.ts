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

let unavailable: string | null | undefined

/** Why this host can open no slow pair; null where it can. */
export function whyNoSlowPairs(): string | null {
  if (unavailable === undefined) {
    const [file = '', ...args] = inNamespace(slowLoopback(SLOW_KBIT_PER_S))
    const { error, status, stderr } = spawnSync(file, [...args, 'true'], { encoding: 'utf8', timeout: SETUP_MS })
    if (error !== undefined) unavailable = `unshare(1) cannot be run: ${error.message}`
    else unavailable = status === 0 ? null : `no network namespace with a slow device: ${stderr.trim()}`
  }
  return unavailable
}

/**
 * Makes an `openPair` of UDP sockets whose device is slow, so that datagrams wait in it, not copied: loopback alone delivers a datagram within its
 * send, and memory that is released too early has been read by then.
 */
export function slowUdpPairs(host: LoopbackHost = '127.0.0.1'): () => Promise<ConnectedPair> {
  return () => {
    if (peers === undefined) {
      peers = new RemotePeers(inNamespace(slowLoopback(SLOW_KBIT_PER_S)))
      peers.unref()
    }
    return peers.senders(host)()
  }
}

/** One process for all slow pairs of this one; it ends with it. */
let peers: RemotePeers | undefined
