import { type Driver, ENVELOPE_WORDS, EnvelopePart, EnvelopeWord } from '../driver/driver.js'
import { ZeroCopyError } from '../errors.js'
import type { DatagramOptions, Destination } from '../writer.js'
import { type IpAddress, parseIpAddress } from './ip-address.js'

/** Datagrams of one write with `segmentBytes`: UDP_MAX_SEGMENTS of Linux 6.9 and later. Before, the kernel takes 64. */
export const MAX_DATAGRAMS_PER_WRITE = 128
/** Largest `segmentBytes`: UDP_SEGMENT takes 16 bits. */
const MAX_SEGMENT_BYTES = 65_535
/** Plain `{ address, port }` objects whose destination a writer remembers; a further one displaces the oldest. */
const MAX_KNOWN_DESTINATIONS = 1_024

/** Options of one envelope, without its destination, checked. */
type Parts = Omit<DatagramOptions, 'to'>

/** The address of one datagram and the control data beside it, ready for a batch. Nothing in it changes. */
export class Envelope {
  /** As `SendBatch.envelopes` holds them. */
  readonly words = new Uint32Array(ENVELOPE_WORDS)
  readonly to: ReadyDestination | undefined
  readonly parts: Readonly<Parts>

  constructor(to: ReadyDestination | undefined, parts: Parts, source: IpAddress | undefined) {
    this.to = to
    const { segmentBytes, ecn, sendAtNs } = parts
    this.parts = { segmentBytes, ecn, source: parts.source, sendAtNs }
    const { words } = this
    let bits = 0
    if (to !== undefined) {
      bits |= EnvelopePart.Address
      words[EnvelopeWord.Port] = to.port
      putAddress(words, EnvelopeWord.Address, EnvelopeWord.Scope, to.ip)
    }
    if (segmentBytes !== undefined) {
      bits |= EnvelopePart.Segments
      words[EnvelopeWord.SegmentBytes] = segmentBytes
    }
    if (ecn !== undefined) {
      bits |= EnvelopePart.Ecn
      words[EnvelopeWord.Ecn] = ecn
    }
    if (source !== undefined) {
      bits |= EnvelopePart.Source
      putAddress(words, EnvelopeWord.Source, EnvelopeWord.SourceScope, source)
    }
    if (sendAtNs !== undefined) {
      bits |= EnvelopePart.SendAt
      words[EnvelopeWord.SendAtLow] = Number(sendAtNs & 0xffff_ffffn)
      words[EnvelopeWord.SendAtHigh] = Number(sendAtNs >> 32n)
    }
    words[EnvelopeWord.Parts] = bits
  }

  /** Whether an envelope of these parts has the same words. One with a time is made for its write alone. */
  fits({ segmentBytes, ecn, source, sendAtNs }: Parts): boolean {
    const own = this.parts
    return own.segmentBytes === segmentBytes && own.ecn === ecn && own.source === source && sendAtNs === undefined
  }
}

function putAddress(words: Uint32Array, at: number, scopeAt: number, { bytes, scope }: IpAddress): void {
  new Uint8Array(words.buffer, words.byteOffset + at * 4, 16).set(bytes)
  words[scopeAt] = scope
}

/** The {@link Destination} that `destination()` makes: ready for the kernel. Its latest envelope serves the next datagram, too. */
class ReadyDestination implements Destination {
  readonly address: string
  readonly port: number
  readonly family: 4 | 6
  readonly ip: IpAddress
  #latest: Envelope | undefined

  constructor(address: string, port: number, ip: IpAddress) {
    this.address = address
    this.port = port
    this.family = ip.family
    this.ip = ip
  }

  /** The envelope to this receiver, the latest one again where it fits. */
  envelope(parts: Parts): Envelope {
    if (this.#latest?.fits(parts)) return this.#latest
    checkParts(parts)
    const made = new Envelope(this, parts, sourceOf(parts, this.family))
    if (parts.sendAtNs === undefined) this.#latest = made
    return made
  }
}

/**
 * Makes the handle of a datagram's receiver, once for many writes. No name is resolved.
 * @param to - `address`: an IPv4 or IPv6 address, which may name its interface (`fe80::1%eth0`). `port`: 1 to 65,535.
 * @throws ZeroCopyError ERR_ZC_INVALID_ARGUMENT
 */
export function destination(to: { address: string; port: number }): Destination {
  return makeDestination(to)
}

function makeDestination(to: { address: string; port: number }): ReadyDestination {
  const { address, port } = Object(to) as { address?: unknown; port?: unknown }
  const ip = parseIpAddress(address)
  if (ip === undefined || typeof address !== 'string') {
    throw new ZeroCopyError('ERR_ZC_INVALID_ARGUMENT', `${quote(address)} is no IP address.`, {
      remedy: 'Resolve a name first (dns.promises.lookup), and keep the destination for all its datagrams.',
    })
  }
  if (typeof port !== 'number' || !Number.isInteger(port) || port < 1 || port > 65_535) {
    throw new ZeroCopyError('ERR_ZC_INVALID_ARGUMENT', `The port of a destination is a whole number from 1 to 65,535, not ${quote(port)}.`)
  }
  return new ReadyDestination(address, port, ip)
}

/** Makes the envelopes of one writer's datagrams. */
export class Envelopes {
  readonly #driver: Driver
  readonly #known = new Map<string, ReadyDestination>()
  #latest: Envelope | undefined

  constructor(driver: Driver) {
    this.#driver = driver
  }

  /**
   * The envelope of one write; undefined where its options ask for none.
   * @param bytes - size of the write
   * @throws ZeroCopyError for an option that is wrong, or does not fit the socket
   */
  of(options: DatagramOptions, bytes: number): Envelope | undefined {
    const { to, segmentBytes } = options
    if (to === undefined && segmentBytes === undefined && !hasFurtherParts(options)) return undefined
    const family = this.#driver.addressFamily
    if (family === undefined) throw noEnvelopes(this.#driver)
    const envelope = to === undefined ? this.#unaddressed(options, family) : this.#destination(to, family).envelope(options)
    if (segmentBytes !== undefined && bytes > segmentBytes * MAX_DATAGRAMS_PER_WRITE) throw tooManyDatagrams(bytes, segmentBytes)
    return envelope
  }

  /** The envelope of a datagram to the peer that the socket is connected to. */
  #unaddressed(options: DatagramOptions, family: 4 | 6): Envelope {
    if (this.#latest?.fits(options)) return this.#latest
    checkParts(options)
    const made = new Envelope(undefined, options, sourceOf(options, family))
    if (options.sendAtNs === undefined) this.#latest = made
    return made
  }

  #destination(to: NonNullable<DatagramOptions['to']>, family: 4 | 6): ReadyDestination {
    const found = to instanceof ReadyDestination ? to : this.#lookUp(to)
    if (found.family === family) return found
    throw new ZeroCopyError(
      'ERR_ZC_INVALID_ARGUMENT',
      `${found.address} is an address of IPv${found.family}, and the socket is one of IPv${family}.`,
      {
        remedy: family === 6 ? `Write it as ::ffff:${found.address}, or send over a socket of IPv4.` : 'Send over a socket of IPv6.',
      },
    )
  }

  #lookUp(to: { address: string; port: number }): ReadyDestination {
    const { address, port } = Object(to) as { address: string; port: number }
    const key = `${String(address)} ${String(port)}`
    const known = this.#known.get(key)
    if (known !== undefined && known.address === address && known.port === port) return known
    const made = makeDestination({ address, port })
    this.#known.set(key, made)
    if (this.#known.size > MAX_KNOWN_DESTINATIONS) this.#known.delete(this.#known.keys().next().value as string)
    return made
  }
}

function hasFurtherParts({ ecn, source, sendAtNs }: DatagramOptions): boolean {
  return ecn !== undefined || source !== undefined || sendAtNs !== undefined
}

function noEnvelopes({ kind, backend }: Driver): ZeroCopyError {
  const options = 'to, segmentBytes, ecn, source and sendAtNs'
  if (kind === 'stream') {
    return new ZeroCopyError('ERR_ZC_UNSUPPORTED_SOCKET', `${options} are options of a datagram, and the socket is a stream.`, {
      remedy: 'Leave them out, or send over a UDP socket.',
    })
  }
  return new ZeroCopyError('ERR_ZC_UNSUPPORTED_SOCKET', `The backend ${backend} takes none of ${options} on this socket.`, {
    remedy: 'Use a UDP socket and errqueue(), uring(), copy() or auto(), on Linux and a runtime that runs addons.',
  })
}

function tooManyDatagrams(bytes: number, segmentBytes: number): ZeroCopyError {
  const datagrams = Math.ceil(bytes / segmentBytes)
  return new ZeroCopyError(
    'ERR_ZC_TOO_MANY_SEGMENTS',
    `${bytes} bytes in segments of ${segmentBytes} are ${datagrams} datagrams; one write makes at most ${MAX_DATAGRAMS_PER_WRITE} (UDP_MAX_SEGMENTS).`,
    { remedy: 'Cut it into several writes, or raise segmentBytes.' },
  )
}

function checkParts({ segmentBytes, ecn, sendAtNs }: Parts): void {
  if (segmentBytes !== undefined && !isWhole(segmentBytes, 1, MAX_SEGMENT_BYTES)) {
    throw new ZeroCopyError(
      'ERR_ZC_INVALID_ARGUMENT',
      `segmentBytes is a whole number of bytes from 1 to ${MAX_SEGMENT_BYTES}, not ${quote(segmentBytes)}.`,
      { remedy: 'Leave it out to send one datagram; else give the payload of one datagram, at most the MTU less the headers.' },
    )
  }
  if (ecn !== undefined && !isWhole(ecn, 0, 3)) {
    throw new ZeroCopyError('ERR_ZC_INVALID_ARGUMENT', `ecn is 0 (Not-ECT), 1 (ECT(1)), 2 (ECT(0)) or 3 (CE), not ${quote(ecn)}.`)
  }
  if (sendAtNs === undefined || (typeof sendAtNs === 'bigint' && sendAtNs > 0n && sendAtNs < 1n << 63n)) return
  throw new ZeroCopyError('ERR_ZC_INVALID_ARGUMENT', `sendAtNs is a bigint of nanoseconds, not ${quote(sendAtNs)}.`, {
    remedy: 'Count from process.hrtime.bigint().',
  })
}

function sourceOf({ source }: Parts, family: 4 | 6): IpAddress | undefined {
  if (source === undefined) return undefined
  const ip = parseIpAddress(source)
  if (ip?.family === family) return ip
  throw new ZeroCopyError('ERR_ZC_INVALID_ARGUMENT', `source is an IPv${family} address of this machine, not ${quote(source)}.`)
}

function isWhole(value: unknown, min: number, max: number): boolean {
  return typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max
}

function quote(value: unknown): string {
  return typeof value === 'string' ? `"${value}"` : typeof value === 'object' || typeof value === 'function' ? typeof value : String(value)
}
