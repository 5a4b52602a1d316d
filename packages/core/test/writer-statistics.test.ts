import { expect, it } from 'vitest'
import { content } from '../conformance/fixtures/index.js'
import { openWriter } from '../src/open/open-writer.js'
import { memory } from '../src/testing/memory-backend.js'

it('times the release of one batch in eight, from the first on, with every message in it', async () => {
  const backend = memory({ kind: 'datagram' })
  const writer = await openWriter({ fd: backend.openSocket().fd }, { backend })
  const timed: number[] = []
  for (let batch = 0; batch < 17; batch++) {
    const sent = await Promise.all([writer.write(content(20_000)), writer.write(content(20_000))])
    for (const { released } of sent) await released
    timed.push(writer.stats().releaseLatencyUs.reduce((sum, count) => sum + count))
  }
  expect(timed).toEqual([...Array(8).fill(2), ...Array(8).fill(4), 6])
  await writer.close()
})
