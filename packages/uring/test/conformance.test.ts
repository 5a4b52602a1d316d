// Holds the io_uring backend to the contracts of writer and driver, over every loopback transport.
import { conformance, tcpPairs, udpPairs, udpReceivers } from '@sendzc/core/conformance'
import { killablePairs } from '@sendzc/core/fixtures'
import { describe, it } from 'vitest'
import { uring } from '../src/index.js'

const transports = [
  { transport: 'tcp4', kind: 'stream', openPair: tcpPairs('127.0.0.1') },
  { transport: 'tcp6', kind: 'stream', openPair: tcpPairs('::1') },
  { transport: 'udp4', kind: 'datagram', openPair: udpPairs('127.0.0.1'), openReceivers: udpReceivers('127.0.0.1') },
  { transport: 'udp6', kind: 'datagram', openPair: udpPairs('::1'), openReceivers: udpReceivers('::1') },
] as const

for (const { transport, kind, ...open } of transports) {
  const options = {
    describe,
    it,
    name: `uring ${transport}`,
    kind,
    ...open,
    backend: () => uring({ entries: 64 }),
    // Loopback reception copies on a stock kernel.
    expectOutcomes: ['copied'],
  } as const
  conformance(options)
}

conformance({
  describe,
  it,
  name: 'uring tcp4, the receiver is killed',
  kind: 'stream',
  openPair: killablePairs('127.0.0.1'),
  backend: () => uring({ entries: 64 }),
  expectOutcomes: ['copied'],
  only: ['peer-reset'],
})
