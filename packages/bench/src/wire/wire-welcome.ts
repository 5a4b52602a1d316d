import { readFileSync } from 'node:fs'
import { WIRE_SENTENCE } from '../record/wire-settings.js'
import { WIRE_ADDRESSES, type WireNamespace } from './wire-namespace.js'

/** Lines for the user of a wire: what it is, and how a program uses it. */
export function welcome(namespace: WireNamespace, settings: string): string[] {
  const { near4, near6, far4, far6 } = WIRE_ADDRESSES
  return [
    WIRE_SENTENCE,
    `What is sent to ${far4} or ${far6}, any port, TCP or UDP, goes over it; this end is ${near4} and ${near6}.${settings === '' ? '' : ` ${settings}.`}`,
    `TCP's default there is ${namespace.congestionControl}, which does not pace${pacingText()}. Inside: ip netns exec ${namespace.name} COMMAND`,
  ]
}

/** What a program pays that takes the system's congestion control with it. */
function pacingText(): string {
  const system = readFileSync('/proc/sys/net/ipv4/tcp_congestion_control', 'utf8').trim()
  return system === 'bbr' ? ' (the system has bbr, which arms a timer for every send: set cubic where CPU time is measured)' : ''
}
