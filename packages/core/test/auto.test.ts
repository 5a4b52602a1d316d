import { describe, expect, it } from 'vitest'
import { content, WriteLedger } from '../conformance/index.js'
import { auto } from '../src/auto.js'
import { type MemoryOptions, memory } from '../src/memory-driver.js'
import { openWriter } from '../src/open-writer.js'
import { AUTO_DEFAULTS, type WriterOptions } from '../src/options.js'
import type { WriterStats } from '../src/writer.js'

/** Writes one after the other over a fake kernel, each awaited until it is released. */
async function statsAfter(
  sizes: readonly number[],
  kernel: MemoryOptions,
  isAuto: boolean,
  options: WriterOptions = {},
): Promise<WriterStats> {
  const backend = memory(kernel)
  const { fd } = backend.openSocket()
  const writer = await openWriter({ fd }, { ...options, backend: isAuto ? auto([backend]) : backend })
  const ledger = new WriteLedger(writer)
  for (const bytes of sizes) {
    ledger.write(content(bytes))
    await ledger.allReleased()
  }
  ledger.assertAllSent()
  await writer.close()
  return writer.stats()
}

describe('the threshold', () => {
  const sizes = [4_095, 4_096, 10_239, 10_240]

  it.each<[string, boolean, WriterOptions, number]>([
    ['auto: a page', true, {}, 3],
    ['a fixed backend: what the kernel advises', false, {}, 1],
    ["auto with the caller's own", true, { minZerocopyBytes: 10_240 }, 1],
  ])('of %s', async (_name, isAuto, options, asked) => {
    const { zerocopySends, copies } = await statsAfter(sizes, {}, isAuto, options)
    expect([zerocopySends, copies.threshold]).toEqual([asked, sizes.length - asked])
  })
})

describe('where the kernel copies all the same', () => {
  it('auto stops asking after its limit, and a fixed backend goes on', async () => {
    const small = new Array<number>(100).fill(AUTO_DEFAULTS.minZerocopyBytes)
    const chosen = await statsAfter(small, { copiedFraction: 1 }, true)
    expect(chosen.copies).toMatchObject({ kernel: 16, demoted: 84 })
    const fixed = await statsAfter(small, { copiedFraction: 1 }, false, { minZerocopyBytes: 0 })
    expect(fixed.copies).toMatchObject({ kernel: 100, demoted: 0 })
  })
})
