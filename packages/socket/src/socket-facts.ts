import { errnoName, parseOptions } from '@sendzc/core/driver'
import { z } from 'zod'
import { native } from './native.js'
import { limitContext } from './open-error.js'
import { SOCKET_LIMITS } from './socket-spec.js'
import { systemError } from './system-error.js'

const domains: Readonly<Record<number, SocketFacts['domain']>> = { 1: 'unix', 2: 'inet', 10: 'inet6', 17: 'packet', 40: 'vsock' }
const types: Readonly<Record<number, SocketFacts['type']>> = { 1: 'stream', 2: 'dgram', 3: 'raw', 5: 'seqpacket' }

/** The kernel's facts about a socket. */
export interface SocketFacts {
  /** SO_DOMAIN; `'other'` for a family that the library does not know. */
  domain: 'inet' | 'inet6' | 'packet' | 'vsock' | 'unix' | 'other'
  /** SO_TYPE. */
  type: 'stream' | 'dgram' | 'raw' | 'seqpacket' | 'other'
  /** SO_PROTOCOL: for IPv4 and IPv6 the IP protocol number. */
  protocol: number
  connected: boolean
  listening: boolean
  /** SO_SNDBUF in bytes as the kernel books it: twice what was set. */
  sendBufferBytes: number
  /** SO_RCVBUF in bytes, likewise. */
  receiveBufferBytes: number
  /** MTU in bytes of the path (connected IPv4 or IPv6) or of the interface (PACKET); null where there is none. */
  mtuBytes: number | null
  /** TCP_MAXSEG in bytes; null where the socket is not TCP. */
  maxSegmentBytes: number | null
  /** TCP_CONGESTION, for example `cubic`; null where the socket is not TCP. */
  congestionControl: string | null
  /** Whether SO_ZEROCOPY is on. */
  zerocopy: boolean
  /** Whether O_NONBLOCK is on. */
  nonBlocking: boolean
}

/**
 * Asks the kernel for the facts about a descriptor.
 * @throws ZeroCopyError ERR_ZC_BAD_DESCRIPTOR, ERR_ZC_NOT_A_SOCKET
 */
export function socketFacts(fd: number): SocketFacts {
  const details = native().details(fd)
  if (details.result < 0) throw systemError(details.result, 'getsockopt', { doing: `reading what descriptor ${fd} is` })
  return {
    domain: domains[details.domain] ?? 'other',
    type: types[details.type] ?? 'other',
    protocol: details.protocol,
    connected: details.connected,
    listening: details.listening,
    sendBufferBytes: details.sendBufferBytes,
    receiveBufferBytes: details.receiveBufferBytes,
    mtuBytes: details.mtuBytes < 0 ? null : details.mtuBytes,
    maxSegmentBytes: details.maxSegmentBytes < 0 ? null : details.maxSegmentBytes,
    congestionControl: details.congestionControl === '' ? null : details.congestionControl,
    zerocopy: details.zerocopy,
    nonBlocking: details.nonBlocking,
  }
}

const bufferSizesSchema = z.strictObject({
  /** SO_SNDBUF in bytes. */
  sendBufferBytes: z.int().min(1).max(SOCKET_LIMITS.bufferBytes).optional(),
  /** SO_RCVBUF in bytes. */
  receiveBufferBytes: z.int().min(1).max(SOCKET_LIMITS.bufferBytes).optional(),
})
/** Options of {@link setBufferSizes}, in bytes as in SO_SNDBUF and SO_RCVBUF. */
export type BufferSizes = z.input<typeof bufferSizesSchema>

/**
 * Sets SO_SNDBUF and SO_RCVBUF, past net.core.wmem_max and rmem_max where CAP_NET_ADMIN allows it (socket(7)).
 * @throws ZeroCopyError ERR_ZC_LIMIT where the kernel would give less than asked for, ERR_ZC_BAD_DESCRIPTOR, ERR_ZC_NOT_A_SOCKET
 */
export function setBufferSizes(fd: number, sizes: BufferSizes): void {
  const parsed = parseOptions(bufferSizesSchema, sizes, 'setBufferSizes')
  const { result, call } = native().setBufferSizes(fd, parsed.sendBufferBytes ?? 0, parsed.receiveBufferBytes ?? 0)
  if (result === 0) return
  throw systemError(result, call, { doing: 'setting buffer sizes', ...limitContext(parsed, call, errnoName(result)) })
}

/**
 * Sets SO_ZEROCOPY (Linux 4.14 for TCP, 5.0 for UDP, 6.7 for VSOCK; Documentation/networking/msg_zerocopy.rst).
 * @throws ZeroCopyError ERR_ZC_UNSUPPORTED_SOCKET where this kernel has no zero-copy for the protocol, as with RAW and PACKET
 */
export function enableZerocopy(fd: number): void {
  const result = native().enableZerocopy(fd)
  if (result === 0) return
  throw systemError(result, 'setsockopt(SO_ZEROCOPY)', {
    doing: 'turning on zero-copy',
    ...(result === -95 ? { why: 'this kernel has no MSG_ZEROCOPY for the protocol of the socket (EOPNOTSUPP)' } : {}),
  })
}
