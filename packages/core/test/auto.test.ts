import { setImmediate as oneTurn } from 'node:timers/promises'
import { describe, expect, it, vi } from 'vitest'
import { assertContent, content, WriteLedger } from '../conformance/fixtures/index.js'
import type { Backend } from '../src/driver/driver.js'
import { ZeroCopyError } from '../src/errors.js'
import { auto } from '../src/open/auto.js'
import { openWriter } from '../src/open/open-writer.js'
import { type MemoryOptions, memory } from '../src/testing/memory-backend.js'
import { AUTO_DEFAULTS, type WriterOptions } from '../src/writer/options.js'
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
  const sizes = [4_095, 4_096, 10_239, 10_240, 40_959, 40_960]

  it.each<[string, boolean, WriterOptions, number]>([
    ['auto: what a notification is worth', true, {}, 1],
    ['a fixed backend: what the kernel advises', false, {}, 3],
    ["auto with the caller's own", true, { minZerocopyBytes: 10_240 }, 3],
    ["auto with both of the caller's own", true, { minZerocopyBytes: 1, minZerocopyMessageBytes: 10_239 }, 4],
    ['a fixed backend with one for messages', false, { minZerocopyBytes: 1, minZerocopyMessageBytes: 40_960 }, 1],
  ])('of %s', async (_name, isAuto, options, asked) => {
    const { zerocopySends, copies } = await statsAfter(sizes, {}, isAuto, options)
    expect([zerocopySends, copies.threshold]).toEqual([asked, sizes.length - asked])
  })
})

describe('the threshold of a message', () => {
  /** Messages that asked for zero-copy, and those below the threshold, of writes of one turn. */
  async function messagesOf(sizes: readonly number[], kernel: MemoryOptions = {}): Promise<[shared: number, copied: number]> {
    const backend = memory({ sendBufferBytes: 4_194_304, ...kernel })
    const socket = backend.openSocket()
    const writer = await openWriter({ fd: socket.fd }, { backend: auto([backend]) })
    const ledger = new WriteLedger(writer)
    let offset = 0
    for (const bytes of sizes) {
      ledger.write(content(bytes, offset))
      offset += bytes
    }
    await ledger.allReleased()
    ledger.assertAllSent()
    if (kernel.kind !== 'datagram') assertContent(Buffer.concat(socket.received), 0, 'stream')
    await writer.close()
    const { zerocopySends, copies } = writer.stats()
    return [zerocopySends, copies.threshold]
  }
  const times = (count: number, bytes: number): number[] => new Array<number>(count).fill(bytes)

  it('is that of all writes that are joined', async () => {
    expect(await messagesOf(times(10, 4_096))).toEqual([1, 0])
    expect(await messagesOf(times(9, 4_096))).toEqual([0, 1])
    expect(await messagesOf(times(10, 4_095))).toEqual([0, 1])
  })

  it('copies what is small together, and shares what is large beside it', async () => {
    expect(await messagesOf([8_192, 100, 204_800, 100, 8_192])).toEqual([1, 2])
    expect(await messagesOf([8_192, 8_192, 100, ...times(5, 8_192)])).toEqual([1, 1])
    expect(await messagesOf([39_000, 600_000, 39_000])).toEqual([1, 2])
  })

  it('leaves the rest of a large write shared, however little of it is left', async () => {
    expect(await messagesOf([50_000], { sendBufferBytes: 49_000 })).toEqual([2, 0])
    // A small one that is cut goes on with what follows it.
    expect((await messagesOf([30_000, 30_000], { sendBufferBytes: 45_000 }))[1]).toBeGreaterThan(0)
  })

  it('is that of each datagram', async () => {
    expect(await messagesOf([40_959, 40_960, 60_000, 1_200], { kind: 'datagram' })).toEqual([2, 2])
  })
})

describe('what it is given', () => {
  it.each([undefined, [], memory(), [memory], [memory(), null]])('is refused where it is no array of backends: %o', (backends) => {
    expect(() => auto(backends as never)).toThrow(expect.objectContaining({ code: 'ERR_ZC_INVALID_OPTION' }))
  })
})

describe('where the kernel copies all the same', () => {
  it('auto stops asking after its limit, and a fixed backend goes on', async () => {
    const kernel = { copiedFraction: 1 }
    const small = new Array<number>(100).fill(AUTO_DEFAULTS.minZerocopyBytes)
    const chosen = await statsAfter(small, kernel, true, { minZerocopyMessageBytes: 0 })
    expect(chosen.copies).toMatchObject({ kernel: 16, demoted: 84 })
    const fixed = await statsAfter(small, kernel, false, { minZerocopyBytes: 0 })
    expect(fixed.copies).toMatchObject({ kernel: 100, demoted: 0 })
  })
})

describe('where the kernel has no memory for another notification', () => {
  /** Forty writes before the first release, then forty more; the fake kernel has memory for four notifications. */
  async function flood(isAuto: boolean): Promise<{ sentBefore: number; collectedBefore: number; stats: WriterStats; warnings: number }> {
    const warn = vi.spyOn(process, 'emitWarning').mockImplementation(() => undefined)
    try {
      const backend = memory({ maxUncollectedSends: 4 })
      const socket = backend.openSocket()
      const writer = await openWriter(
        { fd: socket.fd },
        { backend: isAuto ? auto([backend]) : backend, minZerocopyBytes: 1, maxJoinedBytes: 0 },
      )
      const ledger = new WriteLedger(writer)
      socket.withholdNotifications = true
      for (let index = 0; index < 40; index++) ledger.write(content(1_000, index * 1_000))
      await oneTurn()
      const sentBefore = ledger.writes.filter(({ state }) => state === 'sent').length
      const collectedBefore = writer.stats().driver.collectCalls
      socket.withholdNotifications = false
      await ledger.allReleased()
      for (let index = 40; index < 80; index++) {
        ledger.write(content(1_000, index * 1_000))
        await ledger.allReleased()
      }
      ledger.assertAllSent()
      assertContent(Buffer.concat(socket.received), 0, 'stream')
      await writer.close()
      return { sentBefore, collectedBefore, stats: writer.stats(), warnings: warn.mock.calls.length }
    } finally {
      warn.mockRestore()
    }
  }

  it('auto collects what may be there, copies until some is free again, and asks no sooner', async () => {
    const { sentBefore, collectedBefore, stats, warnings } = await flood(true)
    expect([sentBefore, collectedBefore]).toEqual([40, 1])
    expect(stats.copies.limit).toBe(36)
    expect(stats.zerocopySends).toBe(44)
    expect(warnings).toBe(0)
    // One of these calls sent no message.
    expect(stats.driver.sendCalls).toBeLessThanOrEqual(80)
  })

  it('a fixed backend waits, and copies nothing', async () => {
    const { sentBefore, stats } = await flood(false)
    expect(sentBefore).toBe(4)
    expect(stats.copies.limit).toBe(0)
    expect(stats.zerocopySends).toBe(80)
  })

  it('auto looks for what is released meanwhile, though its caller never waits', async () => {
    const backend = memory({ maxUncollectedSends: 4, sendBufferBytes: 1_048_576 })
    const socket = backend.openSocket()
    const writer = await openWriter({ fd: socket.fd }, { backend: auto([backend]), minZerocopyBytes: 1 })
    socket.withholdNotifications = true
    const collect = vi.spyOn(socket, 'collect')
    const writeAll = async (count: number): Promise<void> => {
      for (let index = 0; index < count; index++) await writer.write(new Uint8Array(16_384))
    }
    await writeAll(8)
    // At the limit, and after 64 KiB of copies.
    expect(collect).toHaveBeenCalledTimes(2)
    await writeAll(3)
    expect(writer.stats()).toMatchObject({ zerocopySends: 0, copies: { limit: 7 } })
    collect.mockReturnValueOnce([{ lo: 0, hi: 3, copied: false }])
    await writeAll(1)
    expect(collect).toHaveBeenCalledTimes(3)
    expect(writer.stats()).toMatchObject({ zerocopySends: 4, copies: { limit: 8 } })
    socket.withholdNotifications = false
    await writer.close()
  })
})

it('where no backend works, the error has the errno and the call of the last one', async () => {
  const refusing = (errno: string, syscall: string): Backend => ({
    name: 'memory',
    probe: () => memory().probe(),
    open: () => {
      throw new ZeroCopyError('ERR_ZC_LIMIT', 'There is no descriptor left.', { errno, syscall })
    },
  })
  const { fd } = memory().openSocket()
  const backend = auto([refusing('ENOMEM', 'io_uring_setup'), refusing('EMFILE', 'fcntl')])
  await expect(openWriter({ fd }, { backend })).rejects.toMatchObject({ code: 'ERR_ZC_LIMIT', errno: 'EMFILE', syscall: 'fcntl' })
})
