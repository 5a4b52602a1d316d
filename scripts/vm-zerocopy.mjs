// Checks that a path does not copy, and io_uring's reports about it: parts of scripts/vm-suite.mjs, for the boots that do not copy.
import assert from 'node:assert/strict'
import { content, DriverSession } from '../packages/core/dist/conformance/fixtures/index.js'
import { Release } from '../packages/core/dist/src/entries/driver.js'
import { openWriter } from '../packages/core/dist/src/entries/index.js'

const WRITES = 32
/** Below the MTU of the interfaces: a datagram above it would be fragmented, and copied. */
const BYTES = 50_000

/**
 * Writes and waits for every release.
 * @throws AssertionError where the kernel copied anything, or nothing was sent without copying
 */
export async function sendsWithoutCopy(kind, openPair, backend) {
  const pair = await openPair()
  const writer = await openWriter(pair.target, { backend: backend(), minZerocopyBytes: 0 })
  try {
    for (let i = 0; i < WRITES; i++) {
      const { released } = await writer.write(new Uint8Array(BYTES))
      if (kind === 'stream') await pair.peer.read(BYTES)
      else await pair.peer.readDatagram()
      assert.equal(await released, 'zerocopy')
    }
    const { zerocopySends, copiedSends } = writer.stats()
    assert.ok(zerocopySends > 0, `zerocopySends is ${zerocopySends}`)
    assert.equal(copiedSends, 0, 'copiedSends')
  } finally {
    await writer.close()
    await pair.dispose()
  }
}

/** Sent to a peer that does not read: the first fills its window, so that the next enters the packet buffer that still waits. */
const JOINED_BYTES = [300_000, 4_096, 250_000, 4_096]
/** Index of the send that is changed: it is joined to the first. */
const CHANGED = 1

/**
 * A send that enters the packet buffer of an earlier one shares its memory, though the kernel (6.10 and later) reports a copy: a change after
 * its `sent` arrives. The driver then reports `Undetermined`; the first, and the one behind 512 KiB, have buffers of their own.
 * @throws AssertionError where that is not so
 */
export async function joinedSendsAreShared(openPair, backend) {
  const pair = await openPair()
  const session = new DriverSession(backend(), pair.fd, JOINED_BYTES.length)
  try {
    pair.peer.pause()
    const reports = []
    for (const bytes of JOINED_BYTES) {
      const submitted = session.submit([{ segments: [content(bytes)], zerocopy: true }])
      await session.answered(submitted)
      reports.push(...submitted)
    }
    reports[CHANGED].segments[0].fill(0xa5)
    pair.peer.resume()
    const arrived = await pair.peer.read(JOINED_BYTES.reduce((sum, bytes) => sum + bytes))
    await session.settled()
    const begin = JOINED_BYTES[0]
    assert.ok(
      arrived.subarray(begin, begin + JOINED_BYTES[CHANGED]).every((byte) => byte === 0xa5),
      'the change arrived',
    )
    const { Zerocopy, Undetermined } = Release
    const releases = reports.map(({ release }) => release)
    assert.deepEqual([releases[0], releases[CHANGED], releases[3]], [Zerocopy, Undetermined, Zerocopy])
    session.assertNoViolations()
  } finally {
    session.driver.close()
    await pair.dispose()
  }
}
