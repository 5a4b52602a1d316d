import { isIPv6 } from 'node:net'
import { parseOptions } from '@sendzc/core/driver'
import { type Ipv4HeaderOptions, type Ipv6HeaderOptions, ipv4HeaderSchema, ipv6HeaderSchema } from './socket-spec.js'

/** Bytes of an IPv4 header without options (RFC 791). */
export const IPV4_HEADER_BYTES = 20
/** Bytes of an IPv6 header (RFC 8200). */
export const IPV6_HEADER_BYTES = 40
/** Bytes of an Ethernet header (linux/if_ether.h ETH_HLEN). */
export const ETHERNET_HEADER_BYTES = 14

function ipv4Bytes(address: string): number[] {
  return address.split('.').map(Number)
}

function ipv6Bytes(address: string): number[] {
  // The URL parser writes an IPv4 tail in hexadecimal, which leaves one notation.
  const text = new URL(`http://[${address.split('%')[0]}]`).hostname.slice(1, -1)
  const [head = '', tail] = text.split('::')
  const groups = (part: string) => (part === '' ? [] : part.split(':').map((group) => Number.parseInt(group, 16)))
  const first = groups(head)
  const last = tail === undefined ? [] : groups(tail)
  const zeros = new Array<number>(8 - first.length - last.length).fill(0)
  return [...first, ...zeros, ...last].flatMap((group) => [group >> 8, group & 0xff])
}

function checksum(header: Uint8Array): number {
  let sum = 0
  for (let i = 0; i < header.length; i += 2) sum += ((header[i] ?? 0) << 8) | (header[i + 1] ?? 0)
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16)
  return ~sum & 0xffff
}

/**
 * An IPv4 header without options, 20 bytes, with its checksum (RFC 791).
 * On a `raw-hdrincl` socket the kernel writes the total length and the checksum itself, and the source and the identification
 * where they are zero (raw(7)), so that one header serves messages of every size.
 * @throws ZeroCopyError ERR_ZC_INVALID_OPTION
 */
export function ipv4Header(options: Ipv4HeaderOptions): Uint8Array {
  const { source, destination, protocolNumber, ttl, payloadBytes, identification } = parseOptions(ipv4HeaderSchema, options, 'ipv4Header')
  const header = new Uint8Array(IPV4_HEADER_BYTES)
  const view = new DataView(header.buffer)
  header[0] = 0x45
  view.setUint16(2, IPV4_HEADER_BYTES + payloadBytes)
  view.setUint16(4, identification)
  header[8] = ttl
  header[9] = protocolNumber
  header.set(ipv4Bytes(source), 12)
  header.set(ipv4Bytes(destination), 16)
  view.setUint16(10, checksum(header))
  return header
}

/**
 * An IPv6 header, 40 bytes (RFC 8200). The kernel sends it as it is, so that the payload's length must be right.
 * @throws ZeroCopyError ERR_ZC_INVALID_OPTION
 */
export function ipv6Header(options: Ipv6HeaderOptions): Uint8Array {
  const { source, destination, protocolNumber, hopLimit, payloadBytes } = parseOptions(ipv6HeaderSchema, options, 'ipv6Header')
  const header = new Uint8Array(IPV6_HEADER_BYTES)
  const view = new DataView(header.buffer)
  header[0] = 0x60
  view.setUint16(4, payloadBytes)
  header[6] = protocolNumber
  header[7] = hopLimit
  header.set(ipv6Bytes(source), 8)
  header.set(ipv6Bytes(destination), 24)
  return header
}

/** Parses `aa:bb:cc:dd:ee:ff`, which the schema has checked. */
export function macBytes(mac: string): Uint8Array {
  return Uint8Array.from(mac.split(':'), (byte) => Number.parseInt(byte, 16))
}

/** An Ethernet header, 14 bytes: destination, a source of zeros, type. */
export function ethernetHeader(mac: string, etherType: number): Uint8Array {
  const header = new Uint8Array(ETHERNET_HEADER_BYTES)
  header.set(macBytes(mac), 0)
  new DataView(header.buffer).setUint16(12, etherType)
  return header
}

/** @internal */
export function ipHeader(source: string, destination: string, protocolNumber: number, payloadBytes: number): Uint8Array {
  return isIPv6(destination)
    ? ipv6Header({ source, destination, protocolNumber, payloadBytes })
    : ipv4Header({ source, destination, protocolNumber, payloadBytes })
}
