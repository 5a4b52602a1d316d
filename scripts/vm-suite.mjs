// The suite that `pnpm test:vm` runs inside the VM, without a test runner, for the guest is slow: the conformance suite over every backend, inline
// included, and checks that need a machine of their own.
// SENDZC_VM_SUITE names the boot: loopback, loopback-zerocopy (reception keeps the sender's pages), or net (two virtio-net interfaces).
//   node scripts/vm-suite.mjs [NAME PART...]   runs only suites whose name holds one of the parts
import { collectCases, conformance, RemotePeers, tcpPairs, udpPairs, udpReceivers } from '../packages/core/dist/conformance/index.js'
import { copy, errqueue, inline } from '../packages/sendmsg/dist/index.js'
import { uring } from '../packages/uring/dist/index.js'
import { countSystemCalls } from './vm-syscalls.mjs'
import { vsockKeepsMemory } from './vm-vsock.mjs'
import { joinedSendsAreShared, sendsWithoutCopy } from './vm-zerocopy.mjs'

/** One case, in ms: emulation is some twenty times slower than the machine it runs on. */
const CASE_MS = 120_000
const boot = process.env.SENDZC_VM_SUITE ?? 'loopback'
const parts = process.argv.slice(2)

// UDP above the MTU, 65,000 on these interfaces, is fragmented, and then copied.
const remote = boot === 'net' ? new RemotePeers(['ip', 'netns', 'exec', 'peer']) : undefined
const transports =
  remote === undefined
    ? {
        tcp4: { kind: 'stream', openPair: tcpPairs('127.0.0.1') },
        tcp6: { kind: 'stream', openPair: tcpPairs('::1') },
        udp4: { kind: 'datagram', openPair: udpPairs('127.0.0.1'), openReceivers: udpReceivers('127.0.0.1') },
        udp6: { kind: 'datagram', openPair: udpPairs('::1'), openReceivers: udpReceivers('::1') },
      }
    : {
        tcp4: { kind: 'stream', openPair: remote.pairs('stream', '10.77.0.2') },
        tcp6: { kind: 'stream', openPair: remote.pairs('stream', 'fd77::2') },
        udp4: { kind: 'datagram', openPair: remote.pairs('datagram', '10.77.0.2') },
        udp6: { kind: 'datagram', openPair: remote.pairs('datagram', 'fd77::2') },
      }
const backends = {
  inline: () => inline(),
  'errqueue recvmsg': () => errqueue({ collect: 'recvmsg' }),
  'errqueue recvmmsg': () => errqueue(),
  uring: () => uring({ entries: 64 }),
  copy: () => copy(),
}

// Loopback copies unless the measurement sysctl is on; between the interfaces it copies only fragmented datagrams, which sendsWithoutCopy proves.
const outcomes = { loopback: ['copied'], 'loopback-zerocopy': ['zerocopy', 'copied'], net: ['zerocopy', 'copied'] }[boot]
/** Promises that cannot hold in a boot, and why. */
const unkeepable =
  boot === 'loopback-zerocopy' ? { 'driver-abort': 'a receiver that does not read holds the memory: that is what the sysctl does' } : {}

const counts = { passed: 0, failed: 0, skipped: 0 }

const wanted = (name) => parts.length === 0 || parts.some((part) => name.includes(part))

function report(name, results, startedMs) {
  const bad = results.filter(({ error }) => error !== undefined)
  counts.passed += results.length - bad.length
  counts.failed += bad.length
  const seconds = ((performance.now() - startedMs) / 1000).toFixed(1)
  console.log(`${boot}: ${name}: ${results.length - bad.length} passed, ${bad.length} failed in ${seconds} s`)
  for (const { promise, name: title, error } of bad) console.log(`FAILED ${name}: ${promise}: ${title}\n${error.stack}`)
}

function skip(name, title) {
  counts.skipped++
  console.log(`skipped: ${name}: ${title}`)
}

for (const [transport, { kind, openPair, openReceivers }] of Object.entries(transports)) {
  for (const [backendName, backend] of Object.entries(backends)) {
    const name = `${backendName} ${transport}`
    if (!wanted(name)) continue
    const started = performance.now()
    const skipCase = (title) => skip(name, title)
    const results = await collectCases(
      ({ describe, it }) => {
        const options = {
          describe,
          it: Object.assign((...args) => it(...args), { skip: skipCase }),
          name,
          kind,
          openPair,
          ...(openReceivers === undefined ? {} : { openReceivers }),
          backend,
          expectOutcomes: outcomes,
          // The copy backend shares no memory that a receiver could hold.
          skip: backendName === 'copy' ? {} : kind === 'stream' ? unkeepable : {},
        }
        conformance(options)
        if (boot === 'net' && backendName !== 'copy') it('sends without copying', () => sendsWithoutCopy(kind, openPair, backend))
        if (boot !== 'loopback' && backendName === 'uring' && kind === 'stream')
          it('shares what it joins to an earlier packet buffer', () => joinedSendsAreShared(openPair, backend))
      },
      { caseMs: CASE_MS },
    )
    report(name, results, started)
  }
}
if (boot === 'loopback' && wanted('vsock')) {
  const started = performance.now()
  const register = ({ describe, it }) =>
    describe('vsock', () => {
      for (const collect of ['recvmsg', 'recvmmsg'])
        it(`keeps its memory until released, ${collect}`, () => vsockKeepsMemory(() => errqueue({ collect })))
    })
  report('errqueue vsock', await collectCases(register, { caseMs: CASE_MS }), started)
}
if (boot === 'loopback' && wanted('system calls')) {
  const started = performance.now()
  report('system calls', countSystemCalls(), started)
}
await remote?.stop()
console.log(`${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`)
process.exit(counts.failed === 0 ? 0 : 1)
