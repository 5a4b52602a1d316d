import { lookup } from 'node:dns/promises'
import { isIP } from 'node:net'
import { type SocketKind, ZeroCopyError } from '@sendzc/core'
import { parseOptions } from '@sendzc/core/driver'
import { ETHERNET_HEADER_BYTES, ethernetHeader, IPV4_HEADER_BYTES, IPV6_HEADER_BYTES, ipHeader, macBytes } from './message-header.js'
import { NativeProtocol, NativeRole, type NativeSpec, native } from './native.js'
import { type AnySpec, openError } from './open-error.js'
import { waitReady } from './ready.js'
import {
  type BindSpec,
  bindSpecSchema,
  type ResolvedSocketSpec,
  type SocketProtocol,
  type SocketSpec,
  socketSpecSchema,
} from './socket-spec.js'

const NO_BYTES = new Uint8Array(0)

/**
 * An open socket. It owns its descriptor: non-blocking, close-on-exec, closed by {@link OpenSocket.close} and by `using`,
 * never by the garbage collector.
 */
export class OpenSocket implements Disposable {
  readonly protocol: SocketProtocol
  readonly family: 4 | 6
  /** Whether the socket keeps message boundaries. */
  readonly kind: SocketKind
  /**
   * The sockaddr bytes of the destination, for `sendmsg` with a name. Only PACKET sockets have it: they cannot connect. Bound to an
   * interface and an Ethernet type they do send without a name, but then a `packet-dgram` frame goes to the address of zeros on
   * loopback, and fails with EINVAL on an Ethernet interface. Empty for the other protocols.
   */
  readonly destination: Uint8Array
  /** Bytes that every message must begin with (see {@link headerFor}); 0 where the kernel writes all headers. */
  readonly headerBytes: number
  readonly #headerFor: ((payloadBytes: number) => Uint8Array) | undefined
  #fd: number

  /** @internal */
  constructor(fd: number, protocol: SocketProtocol, family: 4 | 6, destination: Uint8Array, header?: MessageHeader) {
    this.#fd = fd
    this.protocol = protocol
    this.family = family
    this.kind = protocol === 'tcp' || protocol === 'vsock' ? 'stream' : 'datagram'
    this.destination = destination
    this.headerBytes = header?.bytes ?? 0
    this.#headerFor = header?.make
  }

  /** The descriptor; -1 once closed. Duplicate it to keep it longer than this object. */
  get fd(): number {
    return this.#fd
  }

  /**
   * The bytes that a message of `payloadBytes` must begin with: on `raw-hdrincl` the IP header, on `packet` the Ethernet header, else
   * none. Over IPv4 and Ethernet they are the same for every size.
   */
  headerFor(payloadBytes: number): Uint8Array {
    return this.#headerFor?.(payloadBytes) ?? NO_BYTES
  }

  /** Gives the descriptor to the caller, who closes it from then on. This object is closed afterwards. */
  release(): number {
    const fd = this.#fd
    this.#fd = -1
    return fd
  }

  /** Closes the descriptor. Idempotent. */
  close(): void {
    if (this.#fd < 0) return
    native().close(this.#fd)
    this.#fd = -1
  }

  [Symbol.dispose](): void {
    this.close()
  }
}

interface MessageHeader {
  bytes: number
  make: (payloadBytes: number) => Uint8Array
}

/** @internal A numeric address of the right family. */
export async function numericHost(host: string, family: 4 | 6): Promise<string> {
  const found = isIP(host.split('%')[0] ?? '')
  if (found === family) return host
  const unfit = { remedy: `Give an IPv${family} address, or set family to the other one.` }
  if (found !== 0) throw new ZeroCopyError('ERR_ZC_INVALID_OPTION', `"${host}" is not an IPv${family} address.`, unfit)
  try {
    return (await lookup(host, { family })).address
  } catch (cause) {
    const errno = cause instanceof Error && 'code' in cause ? String(cause.code) : undefined
    throw new ZeroCopyError('ERR_ZC_SYSTEM', `The name "${host}" has no IPv${family} address.`, { errno, syscall: 'getaddrinfo', cause })
  }
}

/** @internal */
export function nativeSpec(spec: AnySpec, role: number, host: string, localHost: string): NativeSpec {
  return {
    protocol: NativeProtocol[spec.protocol],
    role,
    family: 'family' in spec ? spec.family : 4,
    host,
    localHost,
    congestionControl: 'congestionControl' in spec ? (spec.congestionControl ?? '') : '',
    device: 'device' in spec ? (spec.device ?? '') : '',
    port: 'port' in spec ? spec.port : 0,
    localPort: 'localPort' in spec ? spec.localPort : 0,
    cid: 'cid' in spec ? spec.cid : 0,
    protocolNumber: 'protocolNumber' in spec ? spec.protocolNumber : 0,
    etherType: 'etherType' in spec ? spec.etherType : 0,
    mac: 'mac' in spec ? macBytes(spec.mac) : new Uint8Array(6),
    sendBufferBytes: spec.sendBufferBytes ?? 0,
    receiveBufferBytes: spec.receiveBufferBytes ?? 0,
    backlog: 'backlog' in spec ? spec.backlog : 0,
    noDelay: 'noDelay' in spec ? spec.noDelay : false,
  }
}

function messageHeader(spec: ResolvedSocketSpec, fd: number): MessageHeader | undefined {
  if (spec.protocol === 'packet') {
    const header = ethernetHeader(spec.mac, spec.etherType)
    return { bytes: ETHERNET_HEADER_BYTES, make: () => header }
  }
  if (spec.protocol !== 'raw-hdrincl') return undefined
  // After connect the kernel has chosen the source address, too.
  const source = native().localAddress(fd).host
  const destination = native().peerAddress(fd).host
  const make = (payloadBytes: number) => ipHeader(source, destination, spec.protocolNumber, payloadBytes)
  if (spec.family === 6) return { bytes: IPV6_HEADER_BYTES, make }
  const header = make(0)
  return { bytes: IPV4_HEADER_BYTES, make: () => header }
}

async function waitConnected(fd: number, spec: ResolvedSocketSpec): Promise<void> {
  const timeoutMs = 'connectTimeoutMs' in spec ? spec.connectTimeoutMs : 0
  await waitReady({ fd, writable: true, timeoutMs, timeoutName: 'connectTimeoutMs', doing: `connecting a ${spec.protocol} socket` })
  const result = native().finishConnect(fd)
  if (result !== 0) throw openError(result, 'connect', spec)
}

/**
 * Opens a socket to send over. TCP, UDP, RAW and VSOCK sockets are connected; PACKET sockets are bound to their interface and
 * Ethernet type, see {@link OpenSocket.destination}. RAW and PACKET senders refuse all input, so that nothing piles up in them.
 * RAW and PACKET need CAP_NET_RAW. Names are resolved, and connections made, without blocking the event loop.
 *
 * Sources: tcp(7), udp(7), raw(7), packet(7), vsock(7), socket(7).
 * @returns a socket that the caller closes
 * @throws ZeroCopyError ERR_ZC_INVALID_OPTION; ERR_ZC_PERMISSION that names the capability; ERR_ZC_UNSUPPORTED_SOCKET for a protocol that
 *   the kernel lacks or no transport carries; ERR_ZC_CONNECTION_REFUSED; ERR_ZC_LIMIT after connectTimeoutMs, above net.core.wmem_max,
 *   or without a free descriptor; ERR_ZC_SYSTEM
 */
export async function openSocket(spec: SocketSpec): Promise<OpenSocket> {
  const parsed = parseOptions(socketSpecSchema, spec, 'openSocket')
  const family = 'family' in parsed ? parsed.family : 4
  const host = 'host' in parsed ? await numericHost(parsed.host, family) : ''
  const localHost = 'localHost' in parsed && parsed.localHost !== undefined ? await numericHost(parsed.localHost, family) : ''
  const { result, call, connecting, destination } = native().open(nativeSpec(parsed, NativeRole.connect, host, localHost))
  if (result < 0) throw openError(result, call, parsed)
  try {
    if (connecting) await waitConnected(result, parsed)
    return new OpenSocket(result, parsed.protocol, family, destination, messageHeader(parsed, result))
  } catch (error) {
    native().close(result)
    throw error
  }
}

/**
 * Opens a datagram socket that receives: UDP, RAW (also for `raw-hdrincl` senders) or PACKET. RAW and PACKET need CAP_NET_RAW.
 * @returns a socket that the caller closes
 * @throws ZeroCopyError as {@link openSocket} does
 */
export async function bindSocket(spec: BindSpec): Promise<OpenSocket> {
  const parsed = parseOptions(bindSpecSchema, spec, 'bindSocket')
  const family = 'family' in parsed ? parsed.family : 4
  const host = 'host' in parsed ? await numericHost(parsed.host, family) : ''
  const { result, call, destination } = native().open(nativeSpec(parsed, NativeRole.bind, host, ''))
  if (result < 0) throw openError(result, call, parsed)
  return new OpenSocket(result, parsed.protocol, family, destination)
}
