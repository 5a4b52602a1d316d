import assert from 'node:assert/strict'
import type { ZeroCopyErrorCode } from '../../src/errors.js'
import { destination } from '../../src/writer/envelope.js'
import type { DatagramOptions } from '../../src/writer.js'
import { assertContent, content } from '../content.js'
import type { ContractPromise } from '../contract.js'
import type { DatagramReceiver } from '../datagram-receivers.js'
import { rejection, WriteLedger } from '../write-ledger.js'

/** Receivers of one case: more than one batch holds. */
const RECEIVERS = 100
/** Payload of one datagram in the cases about segments, in bytes. */
const SEGMENT_BYTES = 1_200
/** How long a datagram that has a time waits, in ns: longer than its submission takes on a busy machine. */
const DELAY_NS = 200_000_000n
/** `minZerocopyBytes` of a case: every write asks for zero-copy, or none. */
const THRESHOLDS = [0, 1_000_000] as const

/** Reads the datagrams that `bytes` from `position` on become. */
async function assertSegments(
  from: { readDatagram(): Promise<Uint8Array> },
  bytes: number,
  segmentBytes: number,
  position: number,
): Promise<void> {
  for (let at = 0; at < bytes; at += segmentBytes) {
    const datagram = await from.readDatagram()
    assert.equal(datagram.byteLength, Math.min(segmentBytes, bytes - at), `datagram at byte ${at}`)
    assertContent(datagram, position + at, `datagram at byte ${at}`)
  }
}

/** Options that no socket can send, and the code that says so. */
function refusals(receiver: DatagramReceiver, otherFamily: DatagramReceiver['address']): [string, DatagramOptions, ZeroCopyErrorCode][] {
  const to = { address: receiver.address, port: receiver.port }
  return [
    ['no receiver', {}, 'ERR_ZC_NOT_CONNECTED'],
    ['an address of another family', { to: { address: otherFamily, port: 9 } }, 'ERR_ZC_INVALID_ARGUMENT'],
    ['a name', { to: { address: 'localhost', port: 9 } }, 'ERR_ZC_INVALID_ARGUMENT'],
    ['port 0', { to: { ...to, port: 0 } }, 'ERR_ZC_INVALID_ARGUMENT'],
    ['a port too large', { to: { ...to, port: 65_536 } }, 'ERR_ZC_INVALID_ARGUMENT'],
    ['segments of 0 bytes', { to, segmentBytes: 0 }, 'ERR_ZC_INVALID_ARGUMENT'],
    ['segments of 1.5 bytes', { to, segmentBytes: 1.5 }, 'ERR_ZC_INVALID_ARGUMENT'],
    ['more than 128 segments', { to, segmentBytes: 9 }, 'ERR_ZC_TOO_MANY_SEGMENTS'],
    ['ECN of 4', { to, ecn: 4 as 3 }, 'ERR_ZC_INVALID_ARGUMENT'],
    ['a source that is no address', { to, source: 'here' }, 'ERR_ZC_INVALID_ARGUMENT'],
    ['a time that is a number', { to, sendAtNs: 5 as unknown as bigint }, 'ERR_ZC_INVALID_ARGUMENT'],
  ]
}

export const addressedDatagrams: ContractPromise = {
  name: 'addressed-datagrams',
  says: 'a datagram goes to the receiver that its write names, whole or in segments, and one that cannot be sent hurts no other',
  cases: [
    {
      name: 'segmentBytes on a connected socket: cut, or refused with a code, but never ignored',
      run: async (trial) => {
        const { pair, writer, ledger } = await trial.start()
        const cut = writer.write(content(3_000), { segmentBytes: SEGMENT_BYTES })
        const refused = await cut.then(
          () => false,
          (error: { code: string }) => {
            assert.equal(error.code, 'ERR_ZC_UNSUPPORTED_SOCKET')
            return true
          },
        )
        if (trial.kind === 'stream') assert.ok(refused, 'a stream took an option of datagrams')
        if (!refused) await assertSegments(pair.peer, 3_000, SEGMENT_BYTES, 0)
        ledger.write(content(12_000, 5))
        const next = trial.kind === 'stream' ? await pair.peer.read(12_000) : await pair.peer.readDatagram()
        assertContent(next, 5, 'the write behind it')
        await ledger.allReleased()
        ledger.assertAllSent()
      },
    },
    {
      name: 'a hundred receivers in one turn: each gets its own, in the order of the writes',
      kinds: ['datagram'],
      needsReceivers: true,
      run: async (trial) => {
        for (const minZerocopyBytes of THRESHOLDS) {
          const { target, receivers } = await trial.receivers(RECEIVERS)
          const writer = await trial.writer({ target }, { minZerocopyBytes })
          const ledger = new WriteLedger(writer)
          const handles = receivers.map(({ address, port }) => destination({ address, port }))
          for (let round = 0; round < 3; round++) {
            for (const [index, to] of handles.entries()) ledger.write(content(1_300, index * 3 + round), { to })
          }
          for (const [index, receiver] of receivers.entries()) {
            for (let round = 0; round < 3; round++) {
              assertContent(await receiver.readDatagram(), index * 3 + round, `datagram ${round} of receiver ${index}`)
            }
          }
          await ledger.allReleased()
          ledger.assertAllSent()
          assert.equal(writer.stats().driver.pinnedBytes, 0, 'memory is pinned after every release')
          await writer.close()
        }
      },
    },
    {
      name: 'segments, one short at the end, of one buffer and of several',
      kinds: ['datagram'],
      needsReceivers: true,
      run: async (trial) => {
        for (const minZerocopyBytes of THRESHOLDS) {
          const { target, receivers } = await trial.receivers(2)
          const [first, second] = receivers as [DatagramReceiver, DatagramReceiver]
          const ledger = new WriteLedger(await trial.writer({ target }, { minZerocopyBytes }))
          for (const bytes of [1, SEGMENT_BYTES, SEGMENT_BYTES + 1, 50 * SEGMENT_BYTES]) {
            ledger.write(content(bytes), { to: first, segmentBytes: SEGMENT_BYTES })
            ledger.write([content(7, 1), content(bytes, 8)], { to: second, segmentBytes: SEGMENT_BYTES })
            await assertSegments(first, bytes, SEGMENT_BYTES, 0)
            await assertSegments(second, bytes + 7, SEGMENT_BYTES, 1)
          }
          // As many as the kernel makes of one write, and without segments on the same socket.
          ledger.write(content(64 * 900, 2), { to: first, segmentBytes: 900 })
          ledger.write(content(2_000, 3), { to: first })
          await assertSegments(first, 64 * 900, 900, 2)
          assertContent(await first.readDatagram(), 3, 'a datagram without segments')
          await ledger.allReleased()
          ledger.assertAllSent()
        }
      },
    },
    {
      name: 'source, ECN and time of sending go with the datagram',
      kinds: ['datagram'],
      needsReceivers: true,
      run: async (trial) => {
        for (const minZerocopyBytes of THRESHOLDS) {
          const { target, receivers, source } = await trial.receivers(1)
          const [to] = receivers as [DatagramReceiver]
          const ledger = new WriteLedger(await trial.writer({ target }, { minZerocopyBytes }))
          ledger.write(content(900), { to, source, ecn: 1, sendAtNs: process.hrtime.bigint(), segmentBytes: 500 })
          await assertSegments(to, 900, 500, 0)
          assert.equal(to.sender, source)
          await ledger.allReleased()
          ledger.assertAllSent()
        }
      },
    },
    {
      name: 'a datagram leaves at its time, and is released after that',
      kinds: ['datagram'],
      needsReceivers: true,
      needsPacedPair: true,
      run: async (trial) => {
        for (const minZerocopyBytes of THRESHOLDS) {
          const pair = await trial.pacedPair()
          const writer = await trial.writer(pair, { minZerocopyBytes })
          const begunAtNs = process.hrtime.bigint()
          const [early, late] = [begunAtNs + DELAY_NS, begunAtNs + 2n * DELAY_NS]
          const writes = [late, early].map((sendAtNs) => writer.write(content(900, Number(sendAtNs % 251n)), { sendAtNs }))
          const releasedAtNs = Promise.all(writes.map(async (write) => (await write).released.then(() => process.hrtime.bigint())))
          for (const sendAtNs of [early, late]) {
            assertContent(await pair.peer.readDatagram(), Number(sendAtNs % 251n), 'the datagrams, by their times')
            assert.ok(process.hrtime.bigint() >= sendAtNs, 'a datagram arrived before its time')
          }
          const [releasedLate, releasedEarly] = (await releasedAtNs) as [bigint, bigint]
          // What the send has copied is free at once.
          if (writer.stats().zerocopySends === 2) {
            assert.ok(releasedEarly >= early && releasedLate >= late, 'a datagram was released before its time')
          }
        }
      },
    },
    {
      name: 'those that cannot be sent, among a hundred: each fails alone with its code, and the others arrive in order',
      kinds: ['datagram'],
      needsReceivers: true,
      run: async (trial) => {
        for (const minZerocopyBytes of THRESHOLDS) {
          const { target, receivers, unreachable, otherFamily } = await trial.receivers(RECEIVERS)
          const writer = await trial.writer({ target }, { minZerocopyBytes })
          const ledger = new WriteLedger(writer)
          const rejections: Promise<unknown>[] = []
          const cases = refusals(receivers[0] as DatagramReceiver, otherFamily.address)
          for (let round = 0; round < 3; round++) {
            for (const [index, to] of receivers.entries()) {
              ledger.write(content(1_300, index * 3 + round), { to })
              const [what, options, code] = cases[index] ?? []
              if (what !== undefined && code !== undefined) rejections.push(rejection(writer.write(content(1_300), options), code, what))
              if (index % 10 !== 4) continue
              const failed = writer.write(content(1_300), { to: unreachable })
              rejections.push(rejection(failed, ['ERR_ZC_PERMISSION', 'ERR_ZC_SYSTEM'], 'an unreachable receiver'))
            }
          }
          for (const [index, receiver] of receivers.entries()) {
            for (let round = 0; round < 3; round++) {
              assertContent(await receiver.readDatagram(), index * 3 + round, `datagram ${round} of receiver ${index}`)
            }
          }
          await Promise.all(rejections)
          await ledger.allReleased()
          ledger.assertAllSent()
          for (const [index, { unreadDatagrams }] of receivers.entries()) {
            assert.equal(unreadDatagrams, 0, `receiver ${index} got more than its own`)
          }
          const { inFlight, driver } = writer.stats()
          assert.deepEqual({ inFlight, pinnedBytes: driver.pinnedBytes }, { inFlight: 0, pinnedBytes: 0 })
          await writer.close()
        }
      },
    },
  ],
}
