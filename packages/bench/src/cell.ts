/** Transports of the sweep: what carries the bytes, and over which address family. */
export const TRANSPORTS = ['tcp4', 'tcp6', 'udp4', 'udp6'] as const
/** One of {@link TRANSPORTS}. */
export type Transport = (typeof TRANSPORTS)[number]

/**
 * Notification paths that the laboratory measures. `errqueue` appears twice: with `recvmsg`, one range a call, as the kernel's
 * own selftest and the paper collect, and with `recvmmsg`, many ranges a call.
 */
export const BACKENDS = ['copy', 'errqueue-recvmsg', 'errqueue-recvmmsg', 'uring', 'inline'] as const
/** One of {@link BACKENDS}. */
export type BackendLabel = (typeof BACKENDS)[number]

/** The path that every gain is measured against, as in the paper. */
export const BASELINE: BackendLabel = 'errqueue-recvmsg'

/** Senders that are not ours, beside which ours are measured. */
export const PEERS = ['c-msg_zerocopy', 'c-io_uring', 'net.Socket.write', 'dgram.send'] as const
/** One of {@link PEERS}. */
export type PeerLabel = (typeof PEERS)[number]

/** `driver`: what the kernel path costs. `writer`: what a user of `ZeroCopyWriter` gets. */
export const LEVELS = ['driver', 'writer'] as const
/** One of {@link LEVELS}. */
export type Level = (typeof LEVELS)[number]

/** Intervals of the sweep: the paper's notification interval, in sends. */
export const INTERVALS = [1, 2, 4, 8, 16, 32, 64] as const

/** Bounds of what may be asked for, in the unit that each name ends with. */
export const CELL_LIMITS = {
  intervalSends: 1_024,
  sizeBytes: 16_777_216,
  rounds: 1_000,
  runtimeMs: 600_000,
} as const

/** Payload of the paper and of the kernel's selftest, in bytes: near the largest UDP datagram. */
export const DEFAULT_SIZE_BYTES = 65_000

/** Largest payload of one UDP datagram, in bytes: 65,535 less the headers (RFC 768, RFC 8200). */
export const MAX_DATAGRAM_BYTES: Record<'udp4' | 'udp6', number> = { udp4: 65_507, udp6: 65_527 }

/** What one row of a record measures, apart from the round. */
export interface Cell {
  transport: Transport
  backend: BackendLabel | PeerLabel
  level: Level | 'peer'
  /** Sends between two collections of notifications. */
  interval: number
  /** Bytes of one send. */
  sizeBytes: number
}

/** A cell of ours. */
export interface OwnCell extends Cell {
  backend: BackendLabel
  level: Level
}

/** Text that tells one cell from another. */
export function cellKey(cell: Cell): string {
  return `${groupKey(cell)} ${cell.backend} ${cell.level}`
}

/** Cells with the same text are compared with each other: only the path differs. */
export function groupKey(cell: Cell): string {
  return `${cell.transport} ${cell.sizeBytes}B every ${cell.interval}`
}

/** True for TCP, where the kernel may take a part of a send. */
export function isStream(transport: Transport): boolean {
  return transport === 'tcp4' || transport === 'tcp6'
}

/** 4 or 6. */
export function familyOf(transport: Transport): 4 | 6 {
  return transport.endsWith('6') ? 6 : 4
}

/** How tables name a transport: as the paper does. */
export const TRANSPORT_TITLES: Record<Transport, string> = { tcp4: 'TCPv4', tcp6: 'TCPv6', udp4: 'UDPv4', udp6: 'UDPv6' }
