import { isIP, isIPv4, isIPv6 } from 'node:net'
import { z } from 'zod'

/** Upper bounds of the options, in the unit that each name ends with. */
export const SOCKET_LIMITS = {
  /** socket(7): SO_SNDBUF and SO_RCVBUF are ints that the kernel doubles. */
  bufferBytes: 1_073_741_823,
  connectTimeoutMs: 600_000,
  acceptTimeoutMs: 600_000,
  backlog: 65_535,
  connections: 1_000_000,
  coalesceUs: 100_000,
  receiverTimeoutMs: 600_000,
} as const

/** IEEE 802 local experimental Ethertype 1: no other protocol of the host listens to it. */
export const EXPERIMENTAL_ETHER_TYPE = 0x88b5
/** RFC 3692: the IP protocol number for experiments. */
export const EXPERIMENTAL_PROTOCOL_NUMBER = 253

const port = z.int().min(0).max(65_535)
const peerPort = z.int().min(1).max(65_535)
const u32 = z.int().min(0).max(0xffff_ffff)
const family = z.literal([4, 6])
const host = z.string().min(1).max(253)
const device = z.string().min(1).max(15)
/** Name of a TCP congestion control algorithm, for example `cubic` (at most 15 bytes: TCP_CA_NAME_MAX less its end). */
const congestionControl = z.string().regex(/^[\w-]{1,15}$/, 'the name of a congestion control algorithm such as cubic')
const mac = z.string().regex(/^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/i, 'a MAC address such as 00:00:00:00:00:00')

const buffers = {
  /** SO_SNDBUF in bytes (the kernel books twice as much); without it the kernel's default. Never cut down silently. */
  sendBufferBytes: z.int().min(1).max(SOCKET_LIMITS.bufferBytes).optional(),
  /** SO_RCVBUF in bytes, likewise. */
  receiveBufferBytes: z.int().min(1).max(SOCKET_LIMITS.bufferBytes).optional(),
}
const inet = {
  family,
  ...buffers,
  /** Interface to bind to (SO_BINDTODEVICE). */
  device: device.optional(),
}
const outgoing = { localHost: host.optional() }
const connecting = {
  /** How long, in ms, `openSocket` waits for the connection. */
  connectTimeoutMs: z.int().min(1).max(SOCKET_LIMITS.connectTimeoutMs).default(10_000),
}
const rawNumber = {
  /** IP protocol number: the socket's, or with `raw-hdrincl` the one in the header. */
  protocolNumber: z.int().min(1).max(254).default(EXPERIMENTAL_PROTOCOL_NUMBER),
}
const link = {
  ...buffers,
  /** Interface, for example `lo`. */
  device,
  /** Ethernet type of the frames. */
  etherType: z.int().min(0x0600).max(0xffff).default(EXPERIMENTAL_ETHER_TYPE),
  /** Destination address of the frames; loopback has only zeros. */
  mac: mac.default('00:00:00:00:00:00'),
}
const local = { family, ...buffers, device: device.optional(), host, port: port.default(0) }
const backlog = {
  /** Connections that may wait for `accept` (net.core.somaxconn bounds it too). */
  backlog: z.int().min(1).max(SOCKET_LIMITS.backlog).default(4_096),
}
const numericHost = z.string().refine((text) => isIP(text) !== 0, 'a numeric address')

/** Argument of {@link openSocket}: a socket to send over. */
export const socketSpecSchema = z.discriminatedUnion('protocol', [
  z.strictObject({
    protocol: z.literal('tcp'),
    ...inet,
    ...outgoing,
    ...connecting,
    host,
    port: peerPort,
    localPort: port.default(0),
    /** TCP_NODELAY. */
    noDelay: z.boolean().default(true),
    /**
     * TCP_CONGESTION, tcp(7); without it the system's default (net.ipv4.tcp_congestion_control). One that paces, as bbr does, arms a timer
     * per send, which costs a virtual machine more than the copy that zero-copy saves.
     */
    congestionControl: congestionControl.optional(),
  }),
  z.strictObject({ protocol: z.literal('udp'), ...inet, ...outgoing, host, port: peerPort, localPort: port.default(0) }),
  z.strictObject({ protocol: z.literal('raw'), ...inet, ...outgoing, ...rawNumber, host }),
  z.strictObject({ protocol: z.literal('raw-hdrincl'), ...inet, ...outgoing, ...rawNumber, host }),
  z.strictObject({ protocol: z.literal('packet'), ...link }),
  z.strictObject({ protocol: z.literal('packet-dgram'), ...link }),
  z.strictObject({
    protocol: z.literal('vsock'),
    ...buffers,
    ...connecting,
    /** Context id of the peer: 1 this machine, 2 the host, others a guest (vsock(7)). */
    cid: u32,
    port: u32,
    localPort: u32.default(0),
  }),
])

const listenTcp = z.strictObject({ protocol: z.literal('tcp'), ...local, ...backlog })
const listenVsock = z.strictObject({
  protocol: z.literal('vsock'),
  ...buffers,
  ...backlog,
  /** Context id to listen on; 4294967295 (VMADDR_CID_ANY) is any. */
  cid: u32.default(0xffff_ffff),
  /** 4294967295 (VMADDR_PORT_ANY) lets the kernel choose. */
  port: u32.default(0xffff_ffff),
})
const bindUdp = z.strictObject({ protocol: z.literal('udp'), ...local })
const bindRaw = z.strictObject({ protocol: z.literal('raw'), ...inet, ...rawNumber, host })
const bindRawHdrincl = bindRaw.extend({ protocol: z.literal('raw-hdrincl') })
const bindPacket = z.strictObject({ protocol: z.literal('packet'), ...link })
const bindPacketDgram = bindPacket.extend({ protocol: z.literal('packet-dgram') })

/** Argument of {@link listen}. `port` 0 lets the kernel choose. */
export const listenSpecSchema = z.discriminatedUnion('protocol', [listenTcp, listenVsock])

/** Argument of {@link bindSocket}: a datagram socket that receives. */
export const bindSpecSchema = z.discriminatedUnion('protocol', [bindUdp, bindRaw, bindRawHdrincl, bindPacket, bindPacketDgram])

const receiving = {
  /** `discard` drops what arrives as cheaply as the kernel can; `verify` compares it with {@link fillPattern} or {@link fillDatagram}. */
  mode: z.enum(['discard', 'verify']).default('discard'),
  /** The pattern that `verify` expects. */
  seed: z.int().min(0).max(Number.MAX_SAFE_INTEGER).default(0),
  /** CPU that the whole process is pinned to. */
  cpu: z.int().min(0).max(8_191).optional(),
  /** Connections at once; more wait in the backlog. */
  maxConnections: z.int().min(1).max(SOCKET_LIMITS.connections).default(16_384),
  /**
   * SO_RCVLOWAT of connections, in bytes: fewer wake-ups, but up to this much stays unread in an idle connection, which keeps the
   * sender's memory shared where the kernel does not copy at reception. `report`, `waitFor` and `stop` read it first.
   */
  wakeBytes: z.int().min(1).max(SOCKET_LIMITS.bufferBytes).default(1),
  /**
   * Pause, in microseconds, after each round of reading, so that more is there at the next: fewer wake-ups, which the sender pays for
   * too. The receive buffer must hold what arrives meanwhile. Without it 50 when discarding, 0 when verifying.
   */
  coalesceUs: z.int().min(0).max(SOCKET_LIMITS.coalesceUs).optional(),
  /** Bound, in ms, of the start of the process until it receives. */
  startTimeoutMs: z.int().min(1).max(SOCKET_LIMITS.receiverTimeoutMs).default(30_000),
  /** Bound, in ms, of `stop` until the process has ended. */
  stopTimeoutMs: z.int().min(1).max(SOCKET_LIMITS.receiverTimeoutMs).default(15_000),
  /** Bound, in ms, of every other command. */
  commandTimeoutMs: z.int().min(1).max(SOCKET_LIMITS.receiverTimeoutMs).default(15_000),
}
/** Without it, the loopback address of the family. */
const loopbackHost = { host: host.optional() }

/** Argument of {@link startReceiver}. */
export const receiverOptionsSchema = z.discriminatedUnion('protocol', [
  listenTcp.extend({ ...receiving, ...loopbackHost }),
  listenVsock.extend(receiving),
  bindUdp.extend({ ...receiving, ...loopbackHost }),
  bindRaw.extend({ ...receiving, ...loopbackHost }),
  bindRawHdrincl.extend({ ...receiving, ...loopbackHost }),
  bindPacket.extend(receiving),
  bindPacketDgram.extend(receiving),
])

/** Options of {@link ipv4Header}. */
export const ipv4HeaderSchema = z.strictObject({
  source: numericHost.refine(isIPv4, 'an IPv4 address').default('0.0.0.0'),
  destination: numericHost.refine(isIPv4, 'an IPv4 address'),
  protocolNumber: z.int().min(0).max(255).default(EXPERIMENTAL_PROTOCOL_NUMBER),
  ttl: z.int().min(1).max(255).default(64),
  /** Bytes after the header. The kernel writes the total length itself (raw(7)); PACKET sockets send what stands here. */
  payloadBytes: z.int().min(0).max(65_515).default(0),
  identification: z.int().min(0).max(65_535).default(0),
})

/** Options of {@link ipv6Header}. */
export const ipv6HeaderSchema = z.strictObject({
  source: numericHost.refine(isIPv6, 'an IPv6 address'),
  destination: numericHost.refine(isIPv6, 'an IPv6 address'),
  protocolNumber: z.int().min(0).max(255).default(EXPERIMENTAL_PROTOCOL_NUMBER),
  hopLimit: z.int().min(1).max(255).default(64),
  /** Bytes after the header; on IPv6 the kernel does not write it. */
  payloadBytes: z.int().min(0).max(65_535),
})

/** A socket to send over, as a caller describes it. */
export type SocketSpec = z.input<typeof socketSpecSchema>
/** The same with every default filled in. */
export type ResolvedSocketSpec = z.output<typeof socketSpecSchema>
/** A listener, as a caller describes it. */
export type ListenSpec = z.input<typeof listenSpecSchema>
export type ResolvedListenSpec = z.output<typeof listenSpecSchema>
/** A receiving datagram socket, as a caller describes it. */
export type BindSpec = z.input<typeof bindSpecSchema>
export type ResolvedBindSpec = z.output<typeof bindSpecSchema>
/** A receiver process, as a caller describes it. */
export type ReceiverOptions = z.input<typeof receiverOptionsSchema>
export type ResolvedReceiverOptions = z.output<typeof receiverOptionsSchema>
/** Names of the protocols. */
export type SocketProtocol = ResolvedSocketSpec['protocol']
export type Ipv4HeaderOptions = z.input<typeof ipv4HeaderSchema>
export type Ipv6HeaderOptions = z.input<typeof ipv6HeaderSchema>
