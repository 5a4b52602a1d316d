// The hardest case of the contract, on the kernel's own TCP: memory is the kernel's until the last retransmission of it is acknowledged.
import { describe, expect, it } from 'vitest'
import type { WireStats } from '../../src/wire/wire-peer.js'
import { needs, obstacle, openStage, type Stage } from './wire-stage.js'

const TIMEOUT_MS = 120_000
const BYTES = 8_388_608
/** Loss of some hundred segments, and a round trip that leaves others in flight meanwhile. */
const LOSSY = { lossShare: 0.03, rttUs: 500 }

/** How long, in ms, the kernel may send on what a process that has ended left with it: a copying one waits for no acknowledgement. */
const TAIL_MS = 10_000

/** What the peer counts once all bytes have reached it. */
async function statsOfAll({ peer }: Stage): Promise<WireStats> {
  const deadlineMs = performance.now() + TAIL_MS
  for (;;) {
    const stats = await peer.stats()
    if (stats.peer.newBytes >= BYTES || performance.now() > deadlineMs) return stats
  }
}

describe.runIf(obstacle === undefined)(`memory that is changed at released${needs}`, { timeout: TIMEOUT_MS }, () => {
  it.each(['errqueue-recvmmsg', 'errqueue-recvmsg', 'uring', 'auto', 'copy'])(
    'never leaves changed, though segments are lost and sent again: %s',
    async (backend) => {
      await using stage = await openStage(LOSSY, 0)
      const outcomes = JSON.parse(await stage.child('poison-child', backend, 'honest', String(BYTES))) as Record<string, number>
      const { peer } = await statsOfAll(stage)
      expect(peer.newBytes).toBe(BYTES)
      expect(peer.lostSegments).toBeGreaterThan(20)
      expect(peer.resentBytes).toBeGreaterThan(20 * 1_000)
      expect(peer.hashedPackets).toBeGreaterThan(BYTES / 65_536)
      expect(peer.changedPackets).toBe(0)
      if (backend.startsWith('errqueue')) expect(outcomes).toEqual({ zerocopy: BYTES / 65_536 })
      if (backend === 'copy') expect(outcomes).toEqual({ copied: BYTES / 65_536 })
    },
  )

  it('would be seen: a driver that releases early sends changed bytes, also where they are sent again', async () => {
    await using stage = await openStage(LOSSY, 0)
    await stage.child('poison-child', 'errqueue-recvmmsg', 'early', String(BYTES))
    const { peer } = await statsOfAll(stage)
    expect(peer.newBytes).toBe(BYTES)
    expect(peer.changedPackets).toBeGreaterThan(0)
    expect(peer.changedResent).toBeGreaterThan(0)
  })
})
