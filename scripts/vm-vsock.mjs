// That a vsock stream keeps its memory until `released`: a part of scripts/vm-suite.mjs. The host's kernel seldom has vsock loopback.
// In kernels without a later fix (6.18.19; 6.12.117 has it) only the last packet of a send carries its notification (virtio_transport_common.c): the driver
// sends one packet at a time, 65,536 bytes.
import assert from 'node:assert/strict'
import { withFaultyReleases } from '../packages/core/dist/conformance/fixtures/index.js'
import { openWriter } from '../packages/core/dist/src/entries/index.js'
import { fillPattern, openSocket, POISON_BYTE, startReceiver } from '../packages/socket/dist/index.js'

const VMADDR_CID_LOCAL = 1
/** One packet and less, one byte more, and many packets. */
const SIZES = [20_000, 65_536, 65_537, 300_000, 1_000_000]
const WRITES_OF_EACH = 8

/** Writes poison into each buffer as soon as it is released; answers how many bytes arrived changed, and the outcomes of the writes. */
async function poisonAtReleased(backend) {
  const receiver = await startReceiver({ protocol: 'vsock', mode: 'verify' })
  const socket = await openSocket({ protocol: 'vsock', cid: VMADDR_CID_LOCAL, port: receiver.port })
  const writer = await openWriter({ fd: socket.fd }, { backend, minZerocopyBytes: 0, maxJoinedBytes: 0 })
  const outcomes = new Set()
  const poisoned = []
  let offset = 0
  for (const bytes of SIZES) {
    for (let count = 0; count < WRITES_OF_EACH; count++) {
      const buffer = new Uint8Array(bytes)
      fillPattern(buffer, { offset })
      offset += bytes
      const poison = async ({ released }) => {
        outcomes.add(await released)
        buffer.fill(POISON_BYTE)
      }
      poisoned.push(writer.write(buffer).then(poison))
    }
  }
  await Promise.all(poisoned)
  const { verifyErrors } = await receiver.waitFor({ bytes: offset })
  await writer.close()
  socket.close()
  await receiver.stop()
  return { verifyErrors, outcomes: [...outcomes] }
}

/** @throws AssertionError where memory that was changed at `released` arrived changed, nothing was shared, or an early release would not be seen */
export async function vsockKeepsMemory(backend) {
  const right = await poisonAtReleased(backend())
  assert.equal(right.verifyErrors, 0, 'bytes that arrived changed')
  // The kernel copies a packet that the peer has no room for as a whole.
  assert.ok(right.outcomes.includes('zerocopy') && !right.outcomes.includes('abandoned'), right.outcomes.join())
  const { verifyErrors } = await poisonAtReleased(withFaultyReleases(backend(), { kind: 'early', oneIn: 1 }))
  assert.ok(verifyErrors > 0, 'an early release was not seen')
}
