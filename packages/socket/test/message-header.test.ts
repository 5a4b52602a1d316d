import { expect, test } from 'vitest'
import { ethernetHeader, ipv4Header, ipv6Header } from '../src/index.js'

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex')

test('ipv4Header writes every field and a checksum that sums to ones', () => {
  const header = ipv4Header({
    source: '192.0.2.1',
    destination: '198.51.100.7',
    protocolNumber: 17,
    payloadBytes: 100,
    identification: 0x1234,
  })
  expect(hex(header)).toMatch(/^450000781234000040 ?11....c0000201c6336407$/)
  let sum = 0
  for (let i = 0; i < 20; i += 2) sum += ((header[i] ?? 0) << 8) + (header[i + 1] ?? 0)
  expect((sum & 0xffff) + (sum >> 16)).toBe(0xffff)
})

test('ipv6Header writes both addresses in every notation', () => {
  const header = ipv6Header({ source: '2001:db8::1', destination: '::ffff:192.0.2.1', payloadBytes: 258 })
  expect(hex(header)).toBe(`600000000102fd40${'20010db8000000000000000000000001'}${'00000000000000000000ffffc0000201'}`)
  const full = ipv6Header({ source: '1:2:3:4:5:6:7:8', destination: '::', payloadBytes: 0 })
  expect(hex(full.subarray(8))).toBe(`00010002000300040005000600070008${'0'.repeat(32)}`)
})

test('ethernetHeader', () => {
  expect(hex(ethernetHeader('01:02:03:0a:0B:ff', 0x88b5))).toBe('0102030a0bff00000000000088b5')
})

test('addresses of the other family are refused', () => {
  const refused = expect.objectContaining({ code: 'ERR_ZC_INVALID_OPTION' })
  expect(() => ipv4Header({ destination: '::1' })).toThrow(refused)
  expect(() => ipv6Header({ source: '127.0.0.1', destination: '::1', payloadBytes: 0 })).toThrow(refused)
})
