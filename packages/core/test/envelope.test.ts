import { describe, expect, it } from 'vitest'
import { ENVELOPE_WORDS, EnvelopePart, EnvelopeWord } from '../src/driver/driver.js'
import { destination } from '../src/entries/index.js'
import { memory } from '../src/testing/memory-backend.js'
import { type Envelope, Envelopes } from '../src/writer/envelope.js'
import type { DatagramOptions } from '../src/writer.js'

const addressBytes = ({ words }: Envelope, at: number): number[] => [...new Uint8Array(words.buffer, at * 4, 16)]

/** Envelopes of a writer whose socket is of this family. */
function envelopesOf(addressFamily: 4 | 6 | undefined): Envelopes {
  const { backend, kind } = { backend: memory().name, kind: 'datagram' as const }
  return new Envelopes({ backend, kind, addressFamily } as ConstructorParameters<typeof Envelopes>[0])
}

/** The code with which `make` throws. */
function codeOf(make: () => unknown): string | undefined {
  try {
    make()
  } catch (error) {
    return (error as { code?: string }).code
  }
  return undefined
}

describe('destination()', () => {
  it.each([
    ['127.0.0.1', 4, [127, 0, 0, 1]],
    ['::1', 6, [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]],
    ['::', 6, new Array(16).fill(0)],
    ['2001:db8::1234:ff', 6, [0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0x12, 0x34, 0, 0xff]],
    ['1:2:3:4:5:6:7:8', 6, [0, 1, 0, 2, 0, 3, 0, 4, 0, 5, 0, 6, 0, 7, 0, 8]],
    ['fe80::', 6, [0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]],
    ['::ffff:192.0.2.9', 6, [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 192, 0, 2, 9]],
  ] as const)('reads %s', (address, family, bytes) => {
    const made = destination({ address, port: 65_535 })
    expect(made).toMatchObject({ address, family, port: 65_535 })
    const envelope = envelopesOf(family).of({ to: made }, 1) as Envelope
    expect(addressBytes(envelope, EnvelopeWord.Address).slice(0, bytes.length)).toEqual(bytes)
    expect(envelope.words[EnvelopeWord.Port]).toBe(65_535)
    expect(envelope.words[EnvelopeWord.Parts]).toBe(EnvelopePart.Address)
  })

  it('takes the interface of a link-local address, by number and by name', () => {
    const scopeOf = (address: string): number | undefined => envelopesOf(6).of({ to: { address, port: 1 } }, 1)?.words[EnvelopeWord.Scope]
    expect(scopeOf('fe80::1%7')).toBe(7)
    expect(scopeOf('fe80::1')).toBe(0)
    expect(codeOf(() => destination({ address: 'fe80::1%none', port: 1 }))).toBe('ERR_ZC_INVALID_ARGUMENT')
  })

  it.each([undefined, null, 7, {}, { address: 'localhost', port: 1 }, { address: '127.1', port: 1 }, { address: '127.0.0.1' }])(
    'refuses %j',
    (to) => {
      expect(codeOf(() => destination(to as never))).toBe('ERR_ZC_INVALID_ARGUMENT')
    },
  )
})

describe('envelopes of a writer', () => {
  it('are made once for a receiver and its options, and again for others', () => {
    const envelopes = envelopesOf(4)
    const to = destination({ address: '192.0.2.1', port: 9 })
    const other = destination({ address: '192.0.2.2', port: 9 })
    const first = envelopes.of({ to, segmentBytes: 1_200 }, 1)
    expect(envelopes.of({ to: other, segmentBytes: 1_200 }, 1)).not.toBe(first)
    expect(envelopes.of({ to, segmentBytes: 1_200 }, 1)).toBe(first)
    expect(envelopes.of({ to, segmentBytes: 1_201 }, 1)).not.toBe(first)
    const plain = { address: '192.0.2.1', port: 9 }
    expect(envelopes.of({ to: plain }, 1)).toBe(envelopes.of({ to: plain }, 1))
    expect(envelopes.of({ segmentBytes: 9 }, 1)).toBe(envelopes.of({ segmentBytes: 9 }, 1))
    const timed = { to, sendAtNs: 5n }
    expect(envelopes.of(timed, 1)).not.toBe(envelopes.of(timed, 1))
  })

  it('hold every option at its place', () => {
    const options: DatagramOptions = { segmentBytes: 1_200, ecn: 2, source: '192.0.2.3', sendAtNs: (3n << 32n) + 4n }
    const { words } = envelopesOf(4).of(options, 1) as Envelope
    expect(words).toHaveLength(ENVELOPE_WORDS)
    const { Segments, Ecn, Source, SendAt } = EnvelopePart
    expect(words[EnvelopeWord.Parts]).toBe(Segments | Ecn | Source | SendAt)
    expect([words[EnvelopeWord.SegmentBytes], words[EnvelopeWord.Ecn]]).toEqual([1_200, 2])
    expect([words[EnvelopeWord.SendAtLow], words[EnvelopeWord.SendAtHigh]]).toEqual([4, 3])
    expect([...new Uint8Array(words.buffer, EnvelopeWord.Source * 4, 4)]).toEqual([192, 0, 2, 3])
  })

  it('remember a bounded number of plain addresses', () => {
    const envelopes = envelopesOf(4)
    const of = (port: number) => envelopes.of({ to: { address: '192.0.2.1', port } }, 1)
    const first = of(1)
    for (let port = 2; port <= 1_024; port++) of(port)
    expect(of(1)).toBe(first)
    of(1_025)
    expect(of(1)).not.toBe(first)
  })

  it('are refused where the driver has none, and only then', () => {
    const none = envelopesOf(undefined)
    expect(none.of({}, 1)).toBeUndefined()
    for (const options of [{ segmentBytes: 5 }, { ecn: 1 }, { source: '::1' }, { sendAtNs: 1n }, { to: { address: '::1', port: 1 } }]) {
      expect(codeOf(() => none.of(options as DatagramOptions, 1))).toBe('ERR_ZC_UNSUPPORTED_SOCKET')
    }
  })

  it('are refused above 128 datagrams a write, and not at 128', () => {
    const of = (bytes: number) => () => envelopesOf(4).of({ segmentBytes: 100 }, bytes)
    expect(codeOf(of(12_800))).toBeUndefined()
    expect(codeOf(of(12_801))).toBe('ERR_ZC_TOO_MANY_SEGMENTS')
  })
})
