import type { Backend } from '@sendzc/core'
import { conformance, tcpPairs, udpPairs, udpReceivers } from '@sendzc/core/conformance'
import { killablePairs } from '@sendzc/core/fixtures'
import { describe, it } from 'vitest'
import { copy, errqueue, inline } from '../src/index.js'

const transports = {
  tcp4: { kind: 'stream', openPair: tcpPairs('127.0.0.1') },
  tcp6: { kind: 'stream', openPair: tcpPairs('::1') },
  udp4: { kind: 'datagram', openPair: udpPairs('127.0.0.1'), openReceivers: udpReceivers('127.0.0.1') },
  udp6: { kind: 'datagram', openPair: udpPairs('::1'), openReceivers: udpReceivers('::1') },
} as const

const backends: Record<string, () => Backend> = {
  'errqueue recvmsg': () => errqueue({ collect: 'recvmsg' }),
  'errqueue recvmmsg': () => errqueue(),
  'errqueue interval 4': () => errqueue({ interval: 4 }),
  copy: () => copy(),
}

/** Only the kernel of kernel/patches has it; there scripts/vm-suite.mjs runs the same suite. */
const inlineCapability = inline().probe()
if (inlineCapability.available) {
  backends.inline = () => inline()
} else {
  it.skip(`inline (skipped: ${inlineCapability.reason})`)
}

for (const [transport, { kind, ...open }] of Object.entries(transports)) {
  for (const [backendName, backend] of Object.entries(backends)) {
    // Loopback reception copies on a stock kernel.
    const options = { describe, it, name: `${backendName} ${transport}`, kind, ...open, backend, expectOutcomes: ['copied'] as const }
    conformance(options)
  }
}

for (const [backendName, backend] of Object.entries(backends)) {
  conformance({
    describe,
    it,
    name: `${backendName} tcp4, the receiver is killed`,
    kind: 'stream',
    openPair: killablePairs('127.0.0.1'),
    backend,
    expectOutcomes: ['copied'],
    only: ['peer-reset'],
  })
}
