import { type OpenSocket, openSocket, type Receiver, type ReceiverOptions, type SocketSpec, startReceiver } from '@sendzc/socket'
import { type AnyTransport, isIpTransport, MAX_DATAGRAM_BYTES, type Transport } from '../cells/cell.js'
import { BenchFailure } from '../cli/failure.js'
import { connectTo, type Destination } from './connect.js'
import { makePayload } from './payload.js'
import { startDiscarding } from './receivers.js'
import type { SocketSettings } from './socket-settings.js'

/** The interface of `bench lo`. */
const LOOPBACK = 'lo'

/** vsock(7): VMADDR_CID_LOCAL, this machine. */
const VMADDR_CID_LOCAL = 1

/** RFC 3692: numbers for experiments, one for each transport, since RAW delivers to every socket that asks for a number. */
const PROTOCOL_NUMBERS = { raw4: 253, 'raw-hdrincl4': 254 } as const

/** The two ends of a transport other than TCP and UDP. */
interface Pair {
  receiver: ReceiverOptions
  sender: (destination: Destination) => SocketSpec
}

const OTHERS: Record<Exclude<AnyTransport, Transport>, Pair> = {
  raw4: raw('raw', PROTOCOL_NUMBERS.raw4),
  'raw-hdrincl4': raw('raw-hdrincl', PROTOCOL_NUMBERS['raw-hdrincl4']),
  packet: { receiver: { protocol: 'packet', device: LOOPBACK }, sender: () => ({ protocol: 'packet', device: LOOPBACK }) },
  vsock: { receiver: { protocol: 'vsock' }, sender: ({ port }) => ({ protocol: 'vsock', cid: VMADDR_CID_LOCAL, port }) },
}

function raw(protocol: 'raw' | 'raw-hdrincl', protocolNumber: number): Pair {
  return {
    receiver: { protocol, family: 4, protocolNumber },
    sender: ({ host }) => ({ protocol, family: 4, host, protocolNumber }),
  }
}

/** True for a transport of the sweep. */
export function isSwept(transport: AnyTransport): transport is Transport {
  return !Object.hasOwn(OTHERS, transport)
}

/**
 * Starts the receiving process of a transport.
 * @param at - where it receives; RAW has no port; without it a port of loopback that the kernel chooses
 * @throws ZeroCopyError ERR_ZC_PERMISSION for RAW and PACKET without CAP_NET_RAW, ERR_ZC_UNSUPPORTED_SOCKET
 */
export function startLoReceiver(
  transport: AnyTransport,
  cpu: number | null,
  settings: SocketSettings,
  at?: Destination,
): Promise<Receiver> {
  if (isSwept(transport)) return startDiscarding(transport, cpu, settings, at)
  const { receiver } = OTHERS[transport]
  const host = at === undefined || !isIpTransport(transport) ? {} : { host: at.host }
  return startReceiver({ ...receiver, receiveBufferBytes: settings.receiveBufferBytes, ...(cpu === null ? {} : { cpu }), ...host })
}

/**
 * Opens a socket that sends to that process, or to the one of another machine, with the settings of the run.
 * @throws ZeroCopyError as `openSocket`
 */
export function openLoSocket(transport: AnyTransport, destination: Destination, settings: SocketSettings): Promise<OpenSocket> {
  if (isSwept(transport)) return connectTo(transport, destination, settings, false)
  return openSocket({ ...OTHERS[transport].sender(destination), sendBufferBytes: settings.sendBufferBytes })
}

/** One message of `sizeBytes`, which begins with the header that the transport wants from its sender. */
export function loMessage(socket: OpenSocket, sizeBytes: number): Uint8Array {
  if (socket.headerBytes === 0) return makePayload(sizeBytes)
  const message = new Uint8Array(sizeBytes).fill(0x61)
  message.set(socket.headerFor(sizeBytes - socket.headerBytes))
  return message
}

/** Largest message in bytes: 65,535 with its IP header, which RAW does not see; the MTU of loopback with the Ethernet header. */
const MAX_LO_MESSAGE_BYTES: Partial<Record<AnyTransport, number>> = {
  ...MAX_DATAGRAM_BYTES,
  raw4: 65_515,
  'raw-hdrincl4': 65_535,
  packet: 65_535,
}

/** Least message in bytes: the headers that the sender writes, and one byte. */
export const MIN_LO_MESSAGE_BYTES = 32

/** @throws BenchFailure for a size that a transport cannot carry */
export function checkLoSizes(transports: readonly AnyTransport[], sizeBytes: number): void {
  for (const transport of transports) {
    const most = MAX_LO_MESSAGE_BYTES[transport]
    if (most !== undefined && sizeBytes > most)
      throw new BenchFailure(
        `--size: ${sizeBytes} bytes do not fit one ${transport} message (at most ${most}); leave it out of --transports.`,
      )
  }
  if (sizeBytes < MIN_LO_MESSAGE_BYTES)
    throw new BenchFailure(`--size: ${sizeBytes} bytes hold no header of RAW or PACKET (at least ${MIN_LO_MESSAGE_BYTES}).`)
}

/** @throws BenchFailure for a transport that the bytes cannot go by there */
export function checkLoReach(transports: readonly AnyTransport[], { to, wire }: { to?: unknown; wire: boolean }): void {
  const near = transports.filter((transport) => (wire ? !isSwept(transport) : to !== undefined && !isIpTransport(transport)))
  if (near.length === 0) return
  const why = wire ? 'go over no wire' : 'cannot reach another machine here'
  throw new BenchFailure(`--${wire ? 'wire' : 'to'}: ${near.join(' and ')} ${why}; leave it out of --transports.`)
}
