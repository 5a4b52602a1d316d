import { isIPv4, isIPv6 } from 'node:net'
import { networkInterfaces } from 'node:os'

/** An IP address as the kernel takes it. */
export interface IpAddress {
  family: 4 | 6
  /** 4 or 16 bytes in network order. */
  bytes: Uint8Array
  /** IPv6: the number of the interface that a link-local address belongs to; 0 where it names none. */
  scope: number
}

/** Reads an IP address. Asks no name server: undefined for everything that is no address, the name of a host included. */
export function parseIpAddress(text: unknown): IpAddress | undefined {
  if (typeof text !== 'string') return undefined
  if (isIPv4(text)) return { family: 4, bytes: Uint8Array.from(text.split('.'), Number), scope: 0 }
  if (!isIPv6(text)) return undefined
  const [address = '', zone] = text.split('%')
  const scope = zone === undefined ? 0 : interfaceNumber(zone)
  return scope === undefined ? undefined : { family: 6, bytes: ipv6Bytes(address), scope }
}

/** The bytes of a valid IPv6 address without a zone. */
function ipv6Bytes(address: string): Uint8Array {
  const [front = '', back] = address.split('::')
  const bytes = new Uint8Array(16)
  bytes.set(groupBytes(front))
  const tail = groupBytes(back ?? '')
  bytes.set(tail, 16 - tail.length)
  return bytes
}

function groupBytes(groups: string): number[] {
  if (groups === '') return []
  return groups.split(':').flatMap((group) => {
    if (group.includes('.')) return group.split('.').map(Number)
    const value = Number.parseInt(group, 16)
    return [value >> 8, value & 0xff]
  })
}

function interfaceNumber(zone: string): number | undefined {
  if (/^\d{1,9}$/.test(zone)) return Number(zone)
  for (const address of networkInterfaces()[zone] ?? []) {
    if (address.family === 'IPv6' && address.scopeid > 0) return address.scopeid
  }
  return undefined
}
