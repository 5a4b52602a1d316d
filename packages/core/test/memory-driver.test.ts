import { describe, expect, it } from 'vitest'
import { turn, until } from '../conformance/bounded.js'
import { batchOf, content, DriverSession } from '../conformance/fixtures/index.js'
import { Errno, Release } from '../src/driver/driver.js'
import { memory } from '../src/testing/memory-backend.js'
import { forEachId } from '../src/testing/notification-queue.js'
import { seededRandom } from '../src/testing/seeded-random.js'

/** Sends `count` messages of 1,000 bytes over a fresh socket; returns the tokens in the order of their release. */
async function releaseOrder(seed: number): Promise<number[]> {
  const backend = memory({ ranges: 'scattered', seed })
  const session = new DriverSession(backend, 5, 16)
  const order: number[] = []
  session.onReleased = ({ token }) => order.push(token)
  session.submit(Array.from({ length: 12 }, () => ({ segments: [content(1_000)], zerocopy: true })))
  await session.settled()
  session.driver.close()
  return order
}

describe('forEachId', () => {
  it('visits each id of a range once, over the wrap too', () => {
    const visited: number[] = []
    forEachId(0xffff_fffe, 1, (id) => visited.push(id))
    expect(visited).toEqual([0xffff_fffe, 0xffff_ffff, 0, 1])
    const one: number[] = []
    forEachId(0xffff_ffff, 0xffff_ffff, (id) => one.push(id))
    expect(one).toEqual([0xffff_ffff])
  })
})

describe('the fake kernel', () => {
  it('does the same for the same seed, and something else for another', async () => {
    const first = await releaseOrder(1)
    expect(await releaseOrder(1)).toEqual(first)
    expect(first).not.toEqual([...first].sort((a, b) => a - b))
    const others = await Promise.all([2, 3, 4].map((seed) => releaseOrder(seed)))
    expect(others.some((order) => order.join() !== first.join())).toBe(true)
    expect(seededRandom(9)()).toBe(seededRandom(9)())
  })

  it('reads zero-copy memory when it leaves and copied memory when it is sent', async () => {
    const backend = memory()
    const session = new DriverSession(backend, 5, 4)
    const { socket } = backend.drivers[0] as (typeof backend.drivers)[0]
    const shared = new Uint8Array(10).fill(1)
    const copied = new Uint8Array(10).fill(1)
    session.submit([
      { segments: [shared], zerocopy: true },
      { segments: [copied], zerocopy: false },
    ])
    shared.fill(2)
    copied.fill(2)
    await session.settled()
    expect(Buffer.concat(socket.received)).toEqual(Buffer.concat([Buffer.alloc(10, 2), Buffer.alloc(10, 1)]))
    session.driver.close()
  })

  it('takes a part, then refuses, then wakes the one who waits', async () => {
    const backend = memory({ sendBufferBytes: 1_000, bytesPerTurn: 1_000 })
    const session = new DriverSession(backend, 5, 4)
    const { socket } = backend.drivers[0] as (typeof backend.drivers)[0]
    socket.paused = true
    const [short] = session.submit([{ segments: [content(1_500)], zerocopy: true }])
    const [refused] = session.submit([{ segments: [content(500)], zerocopy: true }])
    expect(short?.result).toBe(1_000)
    expect(refused).toMatchObject({ result: -Errno.EAGAIN, release: Release.None })
    const writable = session.writable()
    socket.paused = false
    await writable
    await session.settled()
    session.assertNoViolations()
    session.driver.close()
  })

  it('answers ENOBUFS until the notifications are collected', async () => {
    const backend = memory({ maxUncollectedSends: 2 })
    const session = new DriverSession(backend, 5, 8)
    const [first, second] = session.submit([content(10), content(10)].map((piece) => ({ segments: [piece], zerocopy: true })))
    const [third] = session.submit([{ segments: [content(10)], zerocopy: true }])
    expect([first?.result, second?.result, third?.result]).toEqual([10, 10, -Errno.ENOBUFS])
    await session.settled()
    const [fourth] = session.submit([{ segments: [content(10)], zerocopy: true }])
    expect(fourth?.result).toBe(10)
    await session.settled()
    session.driver.close()
  })

  it('withholds notifications when it is told to', async () => {
    const backend = memory()
    const session = new DriverSession(backend, 5, 8)
    const { socket } = backend.drivers[0] as (typeof backend.drivers)[0]
    socket.withholdNotifications = true
    session.submit([{ segments: [content(10)], zerocopy: true }])
    await until(() => socket.queuedBytes === 0, 'transmission')
    await turn()
    session.driver.collect()
    expect(session.inFlight).toBe(1)
    socket.withholdNotifications = false
    socket.kick()
    await session.settled()
    session.driver.close()
  })

  it('hands over what every driver of a group holds with one call', () => {
    const backend = memory({ deferred: 'flush' })
    const sessions = [5, 6, 7].map((fd) => new DriverSession(backend, fd, 4))
    const drivers = backend.drivers
    for (const [index, session] of sessions.entries()) {
      // Not through `session.submit`, which flushes.
      session.driver.submit(batchOf([{ token: index, segments: [content(10)], flags: 0 }]))
    }
    expect(backend.held).toHaveLength(3)
    drivers[0]?.flush()
    expect(backend.held).toHaveLength(0)
    expect(drivers.map((driver) => driver.counters().sendCalls)).toEqual([1, 0, 0])
    for (const driver of drivers) driver.close()
  })
})
