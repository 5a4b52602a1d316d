import { AsyncLocalStorage } from 'node:async_hooks'
import { type ChannelListener, subscribe, unsubscribe } from 'node:diagnostics_channel'
import { inspect } from 'node:util'
import { afterEach, describe, expect, it } from 'vitest'
import { content } from '../conformance/fixtures/index.js'
import { Errno } from '../src/driver/driver.js'
import { openWriter } from '../src/open/open-writer.js'
import { type MemoryOptions, memory } from '../src/testing/memory-backend.js'
import type { WriterOptions } from '../src/writer/options.js'

const listeners: [string, ChannelListener][] = []
afterEach(() => {
  for (const [name, listener] of listeners.splice(0)) unsubscribe(name, listener)
})

/** What is published on the channel from now on. */
function published(name: string): unknown[] {
  const messages: unknown[] = []
  const listener: ChannelListener = (message) => messages.push(message)
  subscribe(name, listener)
  listeners.push([name, listener])
  return messages
}

async function openOn(kernel: MemoryOptions, options: WriterOptions = {}) {
  const backend = memory(kernel)
  const socket = backend.openSocket()
  return { socket, writer: await openWriter({ fd: socket.fd }, { ...options, backend }) }
}

describe('diagnostics_channel', () => {
  it('tells of a writer that is opened', async () => {
    const messages = published('sendzc:writer:open')
    const { writer } = await openOn({})
    expect(messages).toEqual([{ writer }])
    await writer.close()
  })

  it('tells once of a writer that stops to ask, and of none that does not', async () => {
    const messages = published('sendzc:writer:demoted')
    const { writer } = await openOn({ copiedFraction: 1 }, { minZerocopyBytes: 1, demoteAfterCopied: 3 })
    for (let i = 0; i < 2; i++) await (await writer.write(content(100))).released
    expect(messages).toEqual([])
    for (let i = 0; i < 3; i++) await (await writer.write(content(100))).released
    expect(messages).toEqual([{ writer }])
    await writer.close()
  })

  it('tells of a limit that is too low, with its remedy', async () => {
    const messages = published('sendzc:writer:limit')
    const { socket, writer } = await openOn({}, { minZerocopyBytes: 1 })
    socket.inject({ errno: Errno.ENOBUFS, zerocopyOnly: true })
    await writer.write(content(100))
    expect(messages).toEqual([{ writer, message: expect.stringContaining('net.core.optmem_max') }])
    await writer.close()
  })

  it('tells of memory that a closed writer leaves with the kernel', async () => {
    const messages = published('sendzc:writer:abandoned')
    const { socket, writer } = await openOn({ abortReleases: false }, { minZerocopyBytes: 1, drainTimeoutMs: 0, abortGraceMs: 0 })
    socket.withholdNotifications = true
    const { released } = await writer.write(content(100))
    await expect(writer.close()).rejects.toMatchObject({ code: 'ERR_ZC_DRAIN_TIMEOUT' })
    expect(await released).toBe('abandoned')
    expect(messages).toEqual([{ writer, bytes: 100 }])
  })
})

describe('a writer', () => {
  it('shows itself', async () => {
    const { writer } = await openOn({})
    await writer.write(content(100))
    expect(inspect(writer)).toMatch(
      /^ZeroCopyWriter \{\s+choice: 'memory: chosen by the caller',\s+kind: 'stream',\s+state: 'open',.*writes: 1,/su,
    )
    expect(inspect({ deep: { deeper: { deepest: writer } } })).toContain('[ZeroCopyWriter]')
    await writer.close()
    expect(inspect(writer)).toContain("state: 'closed'")
  })

  it('keeps the async context of each write, until its release', async () => {
    const context = new AsyncLocalStorage<number>()
    const { writer } = await openOn({}, { minZerocopyBytes: 1 })
    const seen = await Promise.all(
      [1, 2, 3].map((which) =>
        context.run(which, async () => {
          const { released } = await writer.write(content(100))
          const atSent = context.getStore()
          await released
          return [atSent, context.getStore()]
        }),
      ),
    )
    expect(seen).toEqual([1, 2, 3].map((which) => [which, which]))
    await writer.close()
  })
})
