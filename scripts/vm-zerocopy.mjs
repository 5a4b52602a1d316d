// That a path really does not copy: a part of scripts/vm-suite.mjs, for the boot in which the two ends are two interfaces.
import assert from 'node:assert/strict'
import { openWriter } from '../packages/core/dist/src/index.js'

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
