/** Transports of the sweep: protocol and address family. */
export const TRANSPORTS = ['tcp4', 'tcp6', 'udp4', 'udp6'] as const
/** One of {@link TRANSPORTS}. */
export type Transport = (typeof TRANSPORTS)[number]

/** Further transports of `bench lo`: RAW IP without and with the caller's header, Ethernet frames, VSOCK. */
export const OTHER_TRANSPORTS = ['raw4', 'raw-hdrincl4', 'packet', 'vsock'] as const
/** Any transport that a row may have. */
export type AnyTransport = Transport | (typeof OTHER_TRANSPORTS)[number]

/** Transports over IP, which reach another machine. */
export const IP_TRANSPORTS = [...TRANSPORTS, 'raw4', 'raw-hdrincl4'] as const
/** One of {@link IP_TRANSPORTS}. */
export type IpTransport = (typeof IP_TRANSPORTS)[number]

/** True for one of {@link IP_TRANSPORTS}. */
export function isIpTransport(transport: AnyTransport): transport is IpTransport {
  return (IP_TRANSPORTS as readonly AnyTransport[]).includes(transport)
}

/**
 * Notification paths that the laboratory measures. `errqueue` appears twice: with `recvmsg`, one range a call, as the kernel's
 * own selftest and the paper collect, and with `recvmmsg`, many ranges a call. `auto` is no path but the choice among them that
 * `auto()` of @sendzc/core makes, with the writer's own defaults; it has no driver level.
 */
export const BACKENDS = ['copy', 'errqueue-recvmsg', 'errqueue-recvmmsg', 'uring', 'inline', 'auto'] as const

/**
 * Paths that are measured only where they are named. `uring-fixed` is `uring` with `fixedBuffers`: it sends from memory that is registered with
 * the ring.
 */
export const NAMED_PATHS = ['uring-fixed'] as const

/** {@link BACKENDS} and {@link NAMED_PATHS}, for commands that take both. */
export const ALL_PATHS = [...BACKENDS, ...NAMED_PATHS] as const

/** One of {@link ALL_PATHS}. */
export type BackendLabel = (typeof ALL_PATHS)[number]

/** Names of backends that stand for more than one label, for who does not ask how `errqueue` collects. */
export const BACKEND_GROUPS = { errqueue: ['errqueue-recvmsg', 'errqueue-recvmmsg'] } as const

/** The path that every gain is measured against, as in the paper. */
export const BASELINE: BackendLabel = 'errqueue-recvmsg'

/** The kernel's own senders in C; `c-io_uring-fixed` is `c-io_uring` from memory that is registered with its ring. */
export const C_PEERS = ['c-msg_zerocopy', 'c-io_uring', 'c-io_uring-fixed'] as const

/** Senders that are not ours, beside which ours are measured. */
export const PEERS = [...C_PEERS, 'net.Socket.write', 'dgram.send'] as const
/** One of {@link PEERS}. */
export type PeerLabel = (typeof PEERS)[number]

/** Older system calls that avoid a copy: none reports when the memory is free. */
export const ANCESTORS = ['sendfile', 'splice', 'vmsplice'] as const
/** One of {@link ANCESTORS}. */
export type AncestorLabel = (typeof ANCESTORS)[number]

/**
 * Paths that only the C sender of kernel/selftests has: MSG_ZEROCOPY whose notifications are left in the queue until the end.
 */
export const SELFTEST_PATHS = ['never'] as const
/** One of {@link SELFTEST_PATHS}. */
export type SelftestPath = (typeof SELFTEST_PATHS)[number]

/** `driver` measures the kernel's path, `writer` measures `ZeroCopyWriter` over it. */
export const LEVELS = ['driver', 'writer'] as const
/** One of {@link LEVELS}. */
export type Level = (typeof LEVELS)[number]

/** Whether a backend can be measured at a level: the decisions of `auto` are the writer's, so it has no driver level. */
export function hasLevel(backend: BackendLabel, level: Level): boolean {
  return backend !== 'auto' || level === 'writer'
}

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

/** The measurement of one row of a record, apart from the round. */
export interface AnyCell {
  transport: AnyTransport
  backend: BackendLabel | PeerLabel | AncestorLabel | SelftestPath
  /** `peer` for a sender that is not ours, `selftest` for the C sender of kernel/selftests. */
  level: Level | 'peer' | 'selftest'
  /** Sends between two collections of notifications. */
  interval: number
  /** Bytes of one send. */
  sizeBytes: number
  /** Connections that share the sends; 1 by default. */
  connections?: number
  /** Distinguishes it from cells that are equal in the other fields, in words. */
  variant?: string | undefined
}

/** A cell over one of the transports of the sweep. */
export interface Cell extends AnyCell {
  transport: Transport
}

/** A cell of ours. */
export interface OwnCell extends Cell {
  transport: Transport
  backend: BackendLabel
  level: Level
}

/** Text that identifies a cell. */
export function cellKey(cell: AnyCell): string {
  const { connections = 1, variant } = cell
  return `${groupKey(cell)} ${cell.backend} ${cell.level}${connections === 1 ? '' : ` ${connections} connections`}${variant === undefined ? '' : ` (${variant})`}`
}

/** Cells with the same text are compared with each other: only the path differs. */
export function groupKey(cell: AnyCell): string {
  return `${cell.transport} ${cell.sizeBytes}B every ${cell.interval}`
}

/** True for TCP and VSOCK, where the kernel may take a part of a send. */
export function isStream(transport: AnyTransport): boolean {
  return transport === 'tcp4' || transport === 'tcp6' || transport === 'vsock'
}

/** 4 or 6. */
export function familyOf(transport: IpTransport): 4 | 6 {
  return transport.endsWith('6') ? 6 : 4
}

/** Names of the transports in tables, as in the paper. */
export const TRANSPORT_TITLES: Record<AnyTransport, string> = {
  tcp4: 'TCPv4',
  tcp6: 'TCPv6',
  udp4: 'UDPv4',
  udp6: 'UDPv6',
  raw4: 'RAWv4',
  'raw-hdrincl4': 'RAWv4 hdrincl',
  packet: 'PACKET',
  vsock: 'VSOCK',
}
