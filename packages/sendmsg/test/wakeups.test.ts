import { tcpPairs } from '@sendzc/core/conformance'
import { Wake } from '@sendzc/core/driver'
import { bounded } from '@sendzc/core/fixtures'
import { describe, expect, it } from 'vitest'
import { errqueue } from '../src/index.js'
import { parsed, runChild, runTraced } from './children/child.js'
import type { RefusedSendsReport, RefusedSendsTask } from './children/refused-sends-child.js'
import { CountingSink, sendOne, turns } from './counting-sink.js'
import { StalledStream } from './stalled-stream.js'

/** Turns of the event loop in which a spinning driver would wake up at least as often. */
const TURNS = 500
/** Wake-ups in which a driver finds out that an error condition lasts. */
const MAX_LOOKS = 4
/** Sends that would each make a loop turn whose driver is still watched. */
const UNWATCHED_SENDS = 40
/** Bound of a test that runs a child under strace, in ms. */
const TRACED_TEST_MS = 90_000

describe.each(['recvmsg', 'recvmmsg'] as const)('wake-ups, collected with %s', (collect) => {
  it('an error condition that lasts does not spin', async () => {
    const pair = await tcpPairs('127.0.0.1')()
    const sink = new CountingSink()
    const driver = errqueue({ collect }).open({ fd: pair.fd, sink, maxInFlight: 4 })
    pair.peer.reset()
    await bounded(pair.peer.ended, 'end of the peer')
    await turns(10)
    driver.arm(Wake.Notification)
    const before = driver.counters().collectCalls
    await turns(TURNS)
    // Hung up and in error for good, with an empty error queue.
    expect(driver.counters().collectCalls - before).toBeLessThanOrEqual(MAX_LOOKS)
    expect(sink.wakes.length).toBeLessThanOrEqual(1)
    driver.close()
    await pair.dispose()
  })

  it('a driver that is not armed does nothing, however much there is to collect', async () => {
    const pair = await tcpPairs('127.0.0.1')()
    const sink = new CountingSink()
    const driver = errqueue({ collect }).open({ fd: pair.fd, sink, maxInFlight: 4 })
    sendOne(driver, 50_000)
    await pair.peer.read(50_000)
    await turns(TURNS)
    expect(driver.counters()).toMatchObject({ collectCalls: 0, notifications: 0 })
    const woken = new Promise<void>((resolve) => {
      sink.onWake = resolve
    })
    driver.arm(Wake.Notification)
    await bounded(woken, 'wake-up')
    expect(sink.releases).toBe(1)
    // The notifications came with the wake-up: the queue is empty.
    const { collectCalls } = driver.counters()
    driver.collect()
    expect(driver.counters().collectCalls).toBe(collectCalls)
    driver.close()
    await pair.dispose()
  })

  it('a notification that arrives while only Writable is armed is delivered, and does not spin', async () => {
    const pair = await tcpPairs('127.0.0.1')()
    const sink = new CountingSink()
    const driver = errqueue({ collect }).open({ fd: pair.fd, sink, maxInFlight: 4 })
    sendOne(driver, 50_000)
    await pair.peer.read(50_000)
    const woken = new Promise<void>((resolve) => {
      sink.onWake = resolve
    })
    driver.arm(Wake.Writable)
    await bounded(woken, 'wake-up')
    await turns(TURNS)
    expect(sink.wakes).toEqual([Wake.Writable])
    expect(driver.counters().collectCalls).toBeLessThanOrEqual(MAX_LOOKS)
    driver.close()
    await pair.dispose()
  })
})

describe.each(['recvmsg', 'recvmmsg'] as const)('after its wake-up, collected with %s', (collect) => {
  it('a driver costs the event loop nothing, whether an error condition lasted or not', async () => {
    const task: RefusedSendsTask = { collect, sends: UNWATCHED_SENDS }
    // In a process of its own: the channel to vitest turns the event loop as well.
    const report = parsed<RefusedSendsReport>(await runChild('./refused-sends-child.ts', task))
    expect(report).toMatchObject({ wakesBeforeNotification: 1, wakes: 2, refused: true })
    expect(report.eventsAfterWake).toBeLessThan(UNWATCHED_SENDS / 8)
    expect(report.eventsAfterLastingError).toBeLessThan(UNWATCHED_SENDS / 8)
  })
})

describe('a driver that is closed after a wake-up', () => {
  it('leaves nothing behind: the next one on the same socket is woken', async () => {
    const pair = await tcpPairs('127.0.0.1')()
    for (let round = 0; round < 2; round++) {
      const sink = new CountingSink()
      const driver = errqueue().open({ fd: pair.fd, sink, maxInFlight: 4 })
      const woken = new Promise<void>((resolve) => {
        sink.onWake = resolve
      })
      driver.arm(Wake.Writable)
      await bounded(woken, `wake-up ${round}`)
      driver.close()
    }
    await pair.dispose()
  })
})

describe('a wake-up that finds a part of what is in flight', () => {
  it('asks once: neither it nor the collect() that follows asks again to hear EAGAIN', async () => {
    const pair = await tcpPairs('127.0.0.1')()
    pair.peer.pause()
    const stream = new StalledStream(pair.fd)
    stream.fill()
    const woken = new Promise((resolve) => {
      stream.onWake = resolve
    })
    stream.driver.arm(Wake.Notification)
    await bounded(woken, 'wake-up')
    expect(stream.releases).toBeGreaterThan(0)
    expect(stream.inFlight).toBeGreaterThan(0)
    stream.driver.collect()
    expect(stream.driver.counters()).toMatchObject({ collectCalls: 1, emptyCollectCalls: 0 })
    stream.driver.close()
    await pair.dispose()
  })

  it('leaves the wait for room armed, where there is none', async () => {
    const pair = await tcpPairs('127.0.0.1')()
    pair.peer.pause()
    const stream = new StalledStream(pair.fd)
    stream.fill()
    const wakes: number[] = []
    const nextWake = (): Promise<void> =>
      new Promise((resolve) => {
        stream.onWake = (bits) => {
          wakes.push(bits)
          resolve()
        }
      })
    const first = nextWake()
    stream.driver.arm(Wake.Notification | Wake.Writable)
    await bounded(first, 'wake-up for a notification')
    const second = nextWake()
    pair.peer.resume()
    await bounded(second, 'wake-up for room')
    expect(wakes).toEqual([Wake.Notification, Wake.Writable])
    stream.driver.close()
    await pair.dispose()
  })
})

describe('a write that waits for its release', { timeout: TRACED_TEST_MS }, () => {
  const WRITES = 100
  it.each([1, 2])('takes two calls beside the send, with %d sockets by turns', async (sockets) => {
    const { calls, status } = await runTraced('epoll_wait,epoll_ctl,recvmmsg', [], './lone-writes-child.ts', { writes: WRITES, sockets })
    expect(status).toBe(0)
    const count = (pattern: RegExp): number => calls.filter((line) => pattern.test(line)).length
    const writes = WRITES * sockets
    // libuv makes another call, epoll_pwait, and asks for no edges.
    expect(count(/recvmmsg\(/u)).toBeGreaterThanOrEqual(writes)
    expect(count(/recvmmsg\(/u) + count(/epoll_wait\(/u)).toBeLessThan(2.2 * writes)
    expect(count(/epoll_ctl\(.*(EPOLLET|EPOLL_CTL_DEL)/u)).toBeLessThan(writes / 5)
  })
})
