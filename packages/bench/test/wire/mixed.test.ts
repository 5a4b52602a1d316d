import { describe, expect, it } from 'vitest'
import { needs, obstacle, openStage, type Stage } from './wire-stage.js'

const TIMEOUT_MS = 120_000
const WRITES = 200

interface Left {
  packets: number
  segments: number
  bytes: number
  outcomes: Record<string, number>
}

async function leave(stage: Stage, backend: string, pieces: string): Promise<Left> {
  const before = await stage.peer.stats()
  const outcomes = JSON.parse(await stage.child('mixed-child', backend, pieces, String(WRITES))) as Record<string, number>
  const after = await stage.peer.stats()
  return {
    packets: after.tcp.packets - before.tcp.packets,
    segments: after.tcp.segments - before.tcp.segments,
    bytes: after.peer.newBytes - before.peer.newBytes,
    outcomes,
  }
}

describe.runIf(obstacle === undefined)(`a header beside its body${needs}`, { timeout: TIMEOUT_MS }, () => {
  for (const backend of ['errqueue-recvmmsg', 'uring']) {
    it(`${backend}: leaves in as many packets as the body alone, and the body without a copy`, async () => {
      await using stage = await openStage()
      const alone = await leave(stage, backend, '65536')
      const mixed = await leave(stage, backend, '100+65536')
      expect(mixed).toMatchObject({ outcomes: { zerocopy: WRITES }, bytes: WRITES * 65_636 })
      // The first packets of a connection are cut by its congestion window.
      expect(Math.abs(mixed.packets - alone.packets)).toBeLessThanOrEqual(WRITES / 50)
      expect(Math.abs(mixed.segments - alone.segments)).toBeLessThanOrEqual(WRITES / 50)
    })
  }
})
