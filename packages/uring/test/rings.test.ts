// The cost of rings, their lifetime, and their needs.
import { once } from 'node:events'
import { readdirSync } from 'node:fs'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { tcpPairs } from '@sendzc/core/conformance'
import { bounded, content, DriverSession } from '@sendzc/core/fixtures'
import { describe, expect, it, vi } from 'vitest'
import { uring } from '../src/index.js'
import { parsed, runChild } from './children/child.js'
import type { NoDescriptorReport } from './children/no-descriptor-child.js'

const CHILD_TEST_MS = 90_000
/** Longer than a ring lingers. */
const LINGERED_MS = 10_000

function descriptorCount(): number {
  return readdirSync('/proc/self/fd').length
}

describe('a ring without drivers', () => {
  it('is there for the next one: many are opened and closed in one turn of the event loop', async () => {
    const pair = await tcpPairs('127.0.0.1')()
    const backend = uring({ entries: 64 })
    for (let count = 0; count < 300; count++) expect(new DriverSession(backend, pair.fd, 4).driver.close()).toBe(0)
    await pair.dispose()
  })

  it('goes after a while, with everything that it had open', async () => {
    const pair = await tcpPairs('127.0.0.1')()
    const before = descriptorCount()
    // More kinds of rings than there are places.
    for (let count = 0; count < 40; count++) new DriverSession(uring({ entries: 100 + count }), pair.fd, 4).driver.close()
    expect(descriptorCount()).toBeGreaterThan(before)
    await expect.poll(descriptorCount, { timeout: LINGERED_MS }).toBeLessThanOrEqual(before)
    await pair.dispose()
  })

  it(
    'keeps no process alive',
    async () => {
      expect(parsed<number>(await runChild('./linger-child.ts', {}))).toBeLessThan(500)
    },
    CHILD_TEST_MS,
  )
})

describe('a second instance of the module in one thread', () => {
  it('works beside the first, on rings of its own', async () => {
    vi.resetModules()
    const second = await import('../src/index.js')
    expect(second.uring).not.toBe(uring)
    for (const make of [uring, second.uring, uring, second.uring]) {
      const pair = await tcpPairs('127.0.0.1')()
      const session = new DriverSession(make({ entries: 64 }), pair.fd, 4)
      const reports = session.submit([{ segments: [content(2_000_000)], zerocopy: true }])
      expect((await pair.peer.read(2_000_000)).byteLength).toBe(2_000_000)
      await session.answered(reports)
      await session.settled()
      session.assertNoViolations()
      expect(session.driver.close()).toBe(0)
      await pair.dispose()
    }
  })
})

describe('an event loop with nothing but a driver', () => {
  it.each([
    [false, 'ends after unref()', 1],
    [true, 'goes on until the release after ref()', 0],
  ])(
    'ref: %s, %s',
    async (refAgain, _what, inFlight) => {
      const server = createServer()
      server.listen(0, '127.0.0.1')
      await once(server, 'listening')
      const accepted = once(server, 'connection') as Promise<[Socket]>
      const ended = runChild('./unref-child.ts', { port: (server.address() as AddressInfo).port, refAgain })
      const [peer] = await bounded(accepted, 'connection of the child')
      peer.on('error', () => undefined)
      peer.pause()
      if (refAgain) {
        // Until then only the driver keeps it: from within a timer that keeps nothing, it connects once more.
        expect(await Promise.race([ended, once(server, 'connection').then(() => 'goes on')])).toBe('goes on')
        peer.resume()
      }
      expect(parsed(await ended)).toEqual({ inFlight })
      peer.destroy()
      server.close()
    },
    CHILD_TEST_MS,
  )
})

describe('no descriptor left', () => {
  it.each([0, 1, 3])(
    'but %i: EMFILE with the call and a remedy, nothing is lost, and the next ring is as good as any',
    async (free) => {
      const whole = parsed<NoDescriptorReport>(await runChild('./no-descriptor-child.ts', { free: 40 }))
      expect(whole.error).toBeUndefined()
      const report = parsed<NoDescriptorReport>(await runChild('./no-descriptor-child.ts', { free }, ['prlimit', '--nofile=256:256']))
      expect(report.error).toMatchObject({ code: 'ERR_ZC_LIMIT', errno: 'EMFILE', syscall: expect.stringMatching(/^\w+$/) })
      expect(report.error?.remedy).toContain('ulimit -n')
      expect(report).toMatchObject({ lost: 0, setupFlags: whole.setupFlags })
    },
    CHILD_TEST_MS,
  )
})
