// The conformance suite over every backend, inline included, run inside the VM by `pnpm test:vm`: without a test runner, for the guest is slow.
// SENDZC_VM_SUITE tells the boot: loopback, loopback-zerocopy (reception keeps the sender's pages), or net (two virtio-net interfaces).
//   node scripts/vm-suite.mjs [NAME PART...]   runs only suites whose name holds one of the parts
import { collectCases, conformance, driverConformance, RemotePeers, tcpPairs, udpPairs } from '../packages/core/dist/conformance/index.js'
import { copy, errqueue, inline } from '../packages/sendmsg/dist/index.js'
import { uring } from '../packages/uring/dist/index.js'

/** One case, in ms: emulation is some twenty times slower than the machine it runs on. */
const CASE_MS = 120_000
const boot = process.env.SENDZC_VM_SUITE ?? 'loopback'
const parts = process.argv.slice(2)

// UDP above the MTU is fragmented, and then copied: the interfaces have an MTU of 65,000.
const remote = boot === 'net' ? new RemotePeers(['ip', 'netns', 'exec', 'peer']) : undefined
const transports =
  remote === undefined
    ? {
        tcp4: { kind: 'stream', openPair: tcpPairs('127.0.0.1') },
        tcp6: { kind: 'stream', openPair: tcpPairs('::1') },
        udp4: { kind: 'datagram', openPair: udpPairs('127.0.0.1') },
        udp6: { kind: 'datagram', openPair: udpPairs('::1') },
      }
    : {
        tcp4: { kind: 'stream', openPair: remote.pairs('stream', '10.77.0.2') },
        tcp6: { kind: 'stream', openPair: remote.pairs('stream', 'fd77::2') },
        udp4: { kind: 'datagram', openPair: remote.pairs('datagram', '10.77.0.2', 60_000) },
        udp6: { kind: 'datagram', openPair: remote.pairs('datagram', 'fd77::2', 60_000) },
      }
const backends = {
  'inline cmsg': () => inline({ via: 'cmsg' }),
  'inline pointer': () => inline({ via: 'pointer' }),
  'errqueue recvmsg': () => errqueue({ collect: 'recvmsg' }),
  'errqueue recvmmsg': () => errqueue(),
  uring: () => uring({ entries: 64 }),
  copy: () => copy(),
}

// Loopback copies unless the measurement sysctl is on; the interfaces never do.
const outcomes = { loopback: ['copied'], 'loopback-zerocopy': ['zerocopy', 'copied'], net: ['zerocopy', 'copied'] }[boot]
let passed = 0
let failed = 0
let skipped = 0
for (const [transport, { kind, openPair }] of Object.entries(transports)) {
  for (const [backendName, backend] of Object.entries(backends)) {
    const name = `${backendName} ${transport}`
    if (parts.length > 0 && !parts.some((part) => name.includes(part))) continue
    const started = performance.now()
    const skip = (title) => {
      skipped++
      console.log(`skipped: ${name}: ${title}`)
    }
    const results = await collectCases(
      ({ describe, it }) => {
        const options = {
          describe,
          it: Object.assign((...args) => it(...args), { skip }),
          name,
          kind,
          openPair,
          backend,
          expectOutcomes: outcomes,
        }
        conformance(options)
        driverConformance(options)
      },
      { caseMs: CASE_MS },
    )
    const bad = results.filter(({ error }) => error !== undefined)
    passed += results.length - bad.length
    failed += bad.length
    console.log(
      `${boot}: ${name}: ${results.length - bad.length} passed, ${bad.length} failed in ${((performance.now() - started) / 1000).toFixed(1)} s`,
    )
    for (const { promise, name: title, error } of bad) console.log(`FAILED ${name}: ${promise}: ${title}\n${error.stack}`)
  }
}
await remote?.stop()
console.log(`${passed} passed, ${failed} failed, ${skipped} skipped`)
process.exit(failed === 0 ? 0 : 1)
