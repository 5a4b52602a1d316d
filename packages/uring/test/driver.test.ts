// Cases that the conformance suite cannot know of: linked requests, the limits of the ring, blocking sockets, drivers that share a ring.

import { type ConnectedPair, tcpPairs, udpPairs } from '@sendzc/core/conformance'
import { type DriverSink, Errno, Release, SendBatch, Wake } from '@sendzc/core/driver'
import { content, DriverSession, fillContent, type MessageReport, setWaitMs, until } from '@sendzc/core/fixtures'
import { afterEach, describe, expect, it } from 'vitest'
import { uring } from '../src/index.js'
import type { BlockingReport } from './children/blocking-child.js'
import { parsed, runChild } from './children/child.js'

const CHILD_TEST_MS = 90_000
setWaitMs(15_000)

const pairs: ConnectedPair[] = []
const sessions: DriverSession[] = []

afterEach(async () => {
  for (const session of sessions.splice(0)) {
    session.driver.close()
    session.assertNoViolations()
  }
  for (const pair of pairs.splice(0)) await pair.dispose()
})

async function tcpPair(): Promise<ConnectedPair> {
  const pair = await tcpPairs('127.0.0.1')()
  pairs.push(pair)
  return pair
}

function session(pair: ConnectedPair, maxInFlight: number, options = {}): DriverSession {
  const opened = new DriverSession(uring(options), pair.fd, maxInFlight)
  sessions.push(opened)
  return opened
}

/** Messages that take turns at asking for zero-copy, so that each makes a request of its own, linked to the one before. */
function alternating(sizes: readonly number[], position: number): { segments: Uint8Array[]; zerocopy: boolean }[] {
  let at = position
  return sizes.map((bytes, index) => {
    const piece = fillContent(new Uint8Array(bytes), at)
    at += bytes
    return { segments: [piece], zerocopy: index % 2 === 0 }
  })
}

describe('a send that enters the packet buffer of an earlier one', () => {
  it('tells nothing about the path, whatever the kernel says of it; one that begins a buffer of its own does', async () => {
    const pair = await tcpPair()
    const sender = session(pair, 64)
    pair.peer.pause()
    const reports: MessageReport[] = []
    // The third brings what is joined over 512 KiB, which ends its buffer.
    for (const bytes of [300_000, 4_096, 250_000, 4_096, 4_096]) {
      const submitted = sender.submit([{ segments: [content(bytes)], zerocopy: true }])
      await sender.answered(submitted)
      reports.push(...submitted)
    }
    pair.peer.resume()
    await pair.peer.read(562_288)
    await sender.settled()
    const alone = sender.submit([{ segments: [content(4_096)], zerocopy: true }])
    await pair.peer.read(4_096)
    await sender.settled()
    const { Copied, Undetermined } = Release
    expect([...reports, ...alone].map(({ release }) => release)).toEqual([
      ...[Copied, Undetermined, Undetermined, Copied, Undetermined, Copied],
    ])
  })
})

describe('linked requests of one batch', () => {
  it('keep their order while the peer stalls and goes on', async () => {
    const pair = await tcpPair()
    const sender = session(pair, 64)
    pair.peer.pause()
    const sizes = [700_000, 100, 1_900_000, 30_000, 1, 2_500_000, 64, 900_000, 5_000, 1_200_000, 12, 3_000_000]
    const reports = sender.submit(alternating(sizes, 0))
    const total = sizes.reduce((sum, bytes) => sum + bytes, 0)
    expect(reports.some(({ result }) => result === undefined)).toBe(true)
    pair.peer.resume()
    expect(Buffer.compare(await pair.peer.read(total), content(total))).toBe(0)
    await sender.answered(reports)
    await sender.settled()
    expect(reports.map(({ result }) => result)).toEqual(sizes)
    // A request that may have begun in the packet buffer of an earlier one is Undetermined, though the kernel reports a copy; 512 KiB end a buffer.
    const { Copied, Undetermined, None } = Release
    expect(reports.map(({ release }) => release)).toEqual([
      ...[Copied, None, Copied, None, Copied, None, Undetermined, None, Undetermined, None, Undetermined, None],
    ])
  })

  it('that are canceled release each token once, though the kernel notifies late; the tokens’ next messages are not released by that', async () => {
    for (let round = 0; round < 8; round++) {
      const pair = await tcpPair()
      const sender = session(pair, 8)
      pair.peer.pause()
      const reports = sender.submit(alternating(Array(8).fill(3_000_000), 0))
      pair.peer.reset()
      await sender.answered(reports)
      await sender.settled()
      // A reset loses what was queued; which message it cut is up to the kernel.
      const failed = reports.findIndex(({ result, bytes }) => result !== bytes)
      expect(failed).toBeGreaterThanOrEqual(0)
      for (const { result } of reports.slice(failed + 1)) expect(result).toBe(-Errno.ECANCELED)
      for (const { release } of reports.slice(failed + 1)) expect(release).toBe(Release.None)
      // The same tokens at once again, on the broken connection.
      const again = sender.submit(alternating(Array(8).fill(1_000), 0))
      await sender.answered(again)
      await sender.settled()
      expect(again[0]?.result).toBeLessThan(0)
      expect(sender.driver.counters().pinnedBytes).toBe(0)
    }
  })
})

describe('a run of messages in one request', () => {
  it('is answered message by message, and notified once', async () => {
    const pair = await tcpPair()
    const sender = session(pair, 16)
    const sizes = [10_000, 20_000, 30_000, 40_000]
    const reports = sender.submit(alternating(sizes, 0).map(({ segments }) => ({ segments, zerocopy: true })))
    await sender.settled()
    expect(reports.map(({ result }) => result)).toEqual(sizes)
    expect(sender.driver.counters()).toMatchObject({ sendCalls: 1, notifications: 1, notifiedIds: 4 })
  })

  it('that is cut short gives the bytes to the first messages, and the rest was not attempted', async () => {
    const pair = await tcpPair()
    const sender = session(pair, 16)
    pair.peer.pause()
    // Copied: a zero-copy run ends before it would outgrow the buffers of the socket.
    const reports = sender.submit(Array.from({ length: 16 }, () => ({ segments: [new Uint8Array(1_500_000)], zerocopy: false })))
    expect(reports.every(({ result }) => result === undefined)).toBe(true)
    sender.driver.abort()
    await sender.answered(reports)
    await sender.settled()
    const whole = reports.filter(({ result, bytes }) => result === bytes).length
    expect(whole).toBeGreaterThan(0)
    expect(whole).toBeLessThan(16)
    expect(reports[whole]?.result === -Errno.ECANCELED || (reports[whole]?.result as number) > 0).toBe(true)
    for (const { result, release } of reports.slice(whole + 1)) {
      expect(result).toBe(-Errno.ECANCELED)
      expect(release).toBe(Release.None)
    }
  })
})

describe('notifications on a stream with a backlog', () => {
  it('keep up with the peer, though packet buffers that span messages tie them together', async () => {
    const bytes = 50_000
    const pair = await tcpPair()
    const sender = session(pair, 1_024)
    pair.peer.pause()
    // Each a request of its own, until the socket is full.
    let last: MessageReport | undefined
    do last = sender.submit([{ segments: [new Uint8Array(bytes)], zerocopy: true }])[0]
    while (last?.result !== undefined)
    expect(sender.inFlight).toBeGreaterThan(20)
    pair.peer.resume()
    while (sender.inFlight > 0) {
      await sender.settled(sender.inFlight - 1)
      const arrived = Math.floor(pair.peer.unreadBytes / bytes)
      // max_joined_bytes of native/send_engine.h, and the messages at both ends
      expect(arrived - (sender.reports.length - sender.inFlight)).toBeLessThanOrEqual(Math.ceil(524_288 / bytes) + 2)
    }
  })
})

describe('blocking and non-blocking sockets', () => {
  it.each([true, false])(
    'keep the order while the peer stalls (blocking: %s)',
    async (blocking) => {
      const report = parsed<BlockingReport>(
        await runChild('./blocking-child.ts', { blocking }, [
          'python3',
          new URL('./children/inherited_socket.py', import.meta.url).pathname,
        ]),
      )
      expect(report.blocking).toBe(blocking)
      expect(report.mismatch).toBe(-1)
      expect(report.received).toBe(report.sent)
      expect(report.stalled).toBe(true)
    },
    CHILD_TEST_MS,
  )
})

describe('the limits of the ring', () => {
  it('refuse what is over the bound at once, and wake those refused', async () => {
    const options = { entries: 32, completionEntries: 64 }
    const bound = 24
    const half = Array.from({ length: bound / 2 }, () => ({ segments: [new Uint8Array(900_000)], zerocopy: true }))
    const [pair, stalled] = [await tcpPair(), await tcpPair()]
    const [sender, other, third] = [session(pair, 64, options), session(stalled, 64, options), session(await tcpPair(), 64, options)]
    // More than a socket takes: all of it stays in the ring.
    pair.peer.pause()
    stalled.peer.pause()
    const first = sender.submit(half)
    other.submit(half)
    const refused = third.submit(half)
    await third.answered(refused)
    expect(refused.map(({ result }) => result)).toEqual(half.map((_, at) => (at === 0 ? -Errno.EAGAIN : -Errno.ECANCELED)))
    third.arm(Wake.Writable)
    pair.peer.resume()
    await sender.answered(first)
    await sender.settled()
    await third.writable()
    stalled.peer.resume()
    await other.settled()
    await third.settled()
  })
})

describe('what is refused on a stream', () => {
  const some = (count: number) => Array.from({ length: count }, () => ({ segments: [new Uint8Array(900_000)], zerocopy: true }))

  it('is answered after what was accepted before it, though that is stalled', async () => {
    const options = { entries: 32, completionEntries: 64 }
    const [pair, stalled] = [await tcpPair(), await tcpPair()]
    const [sender, other] = [session(pair, 64, options), session(stalled, 64, options)]
    pair.peer.pause()
    stalled.peer.pause()
    // Half of the bound, which is three eighths of the completion entries.
    other.submit(some(12))
    const reports = sender.submit(some(15))
    expect(reports.slice(11).map(({ result }) => result)).toEqual(Array(4).fill(undefined))
    pair.peer.resume()
    await sender.answered(reports)
    await sender.settled()
    const untried = [-Errno.EAGAIN, -Errno.ECANCELED, -Errno.ECANCELED]
    expect(reports.map(({ result }) => result)).toEqual([...Array(12).fill(900_000), ...untried])
    stalled.peer.resume()
    await other.settled()
  })

  it('is answered as not attempted, and last, where it was submitted while an earlier batch waits', async () => {
    const pair = await tcpPair()
    const sender = session(pair, 64)
    pair.peer.pause()
    const [waiting, early] = [sender.submit(some(12)), sender.submit(some(2))]
    expect([waiting.at(-1), ...early].map((report) => report?.result)).toEqual(Array(3).fill(undefined))
    pair.peer.resume()
    await sender.answered([...waiting, ...early])
    await sender.settled()
    expect(waiting.map(({ result }) => result)).toEqual(Array(12).fill(900_000))
    expect(early.map(({ result }) => result)).toEqual(Array(2).fill(-Errno.ECANCELED))
  })
})

describe('a zero-copy message that fails', () => {
  it('is released by its notification, not by its answer', async () => {
    const pair = await tcpPair()
    const sender = session(pair, 1)
    pair.peer.reset()
    let failed: MessageReport | undefined
    do {
      failed = sender.submit([{ segments: [new Uint8Array(20_000)], zerocopy: true }])[0]
      await sender.settled()
    } while ((failed?.result ?? 0) >= 0)
    expect(failed).toMatchObject({ release: Release.None })
    const { sendCalls, notifications } = sender.driver.counters()
    expect(notifications).toBe(sendCalls)
  })
})

describe('events that bring more of them', () => {
  it('are all handed out, and the event loop has its turn meanwhile', async () => {
    const pair = await tcpPair()
    const chain = 200
    const results: number[] = []
    let released = 0
    const batch = new SendBatch(1, 1)
    const send = (): void => {
      batch.clear()
      batch.addSegment(new Uint8Array(100))
      batch.endMessage(0, 1, 0)
      driver.submit(batch)
    }
    // Each answer submits the next message, from within.
    const sink: DriverSink = {
      sent: (_token, result) => results.push(result),
      released: () => {
        if (++released < chain) send()
      },
      wake: () => undefined,
    }
    const driver = uring().open({ fd: pair.fd, sink, maxInFlight: 1 })
    send()
    // MAX_DELIVERIES of src/ring.ts
    expect(released).toBe(64)
    await until(() => released === chain, 'the last of the chain')
    expect(results).toEqual(Array(chain).fill(100))
    expect(await pair.peer.read(chain * 100)).toHaveLength(chain * 100)
    driver.close()
  })
})

describe('drivers on one ring', () => {
  it('are handed over by one flush of any of them', async () => {
    const options = { entries: 64 }
    const [first, second] = [await tcpPair(), await tcpPair()]
    const [one, two] = [session(first, 4, options), session(second, 4, options)]
    const held = one.driver.flush
    one.driver.flush = () => undefined
    const early = one.submit([{ segments: [content(20_000)], zerocopy: true }])
    one.driver.flush = held
    expect(early[0]?.result).toBeUndefined()
    const late = two.submit([{ segments: [content(20_000)], zerocopy: true }])
    expect([early[0]?.result, late[0]?.result]).toEqual([20_000, 20_000])
    expect(one.driver.counters().sendCalls + two.driver.counters().sendCalls).toBe(1)
    await one.settled()
    await two.settled()
  })

  it('may be closed while another holds messages: those still leave', async () => {
    const options = { entries: 64 }
    const [first, second] = [await tcpPair(), await tcpPair()]
    const [one, two] = [session(first, 4, options), session(second, 4, options)]
    one.driver.flush = () => undefined
    two.driver.flush = () => undefined
    const kept = one.submit([{ segments: [content(20_000)], zerocopy: true }])
    two.submit([{ segments: [content(20_000)], zerocopy: true }])
    two.closed = true
    expect(two.driver.close()).toBe(0)
    await one.answered(kept)
    expect(kept[0]?.result).toBe(20_000)
    await one.settled()
    expect(second.peer.unreadBytes).toBe(0)
  })
})

describe('datagrams', () => {
  it('of more pages than a packet buffer holds are copied, not refused', async () => {
    const pair = await udpPairs('127.0.0.1')()
    pairs.push(pair)
    const sender = session(pair, 4)
    const pages = Array.from({ length: 40 }, (_, index) => content(100, index * 100))
    const [many, few] = sender.submit([
      { segments: pages, zerocopy: true },
      { segments: pages.slice(0, 2), zerocopy: true },
    ])
    await sender.settled()
    expect([many?.result, few?.result]).toEqual([4_000, 200])
    expect([many?.release, few?.release]).toEqual([Release.None, Release.Copied])
    expect(Buffer.compare(await pair.peer.readDatagram(), content(4_000))).toBe(0)
  })

  it('that are copied leave a batch by one call of sendmmsg, in their order', async () => {
    const pair = await udpPairs('127.0.0.1')()
    pairs.push(pair)
    const sender = session(pair, 16)
    const sizes = [100, 0, 3_000, 1, 8_000, 70_000, 5, 6]
    const reports = sender.submit(sizes.map((bytes, index) => ({ segments: [content(bytes, index * 1_000)], zerocopy: false })))
    // What no datagram can carry is refused, and what stands behind it was not tried.
    expect(reports.map(({ result }) => result)).toEqual([100, 0, 3_000, 1, 8_000, -Errno.EMSGSIZE, -Errno.ECANCELED, -Errno.ECANCELED])
    expect(reports.every(({ release }) => release === Release.None)).toBe(true)
    // The second call is the one that answers with the error.
    expect(sender.driver.counters().sendCalls).toBe(2)
    expect(sender.driver.answeredBy?.(5)).toBe('sendmmsg')
    for (const [index, bytes] of sizes.slice(0, 5).entries())
      expect(Buffer.compare(await pair.peer.readDatagram(), content(bytes, index * 1_000))).toBe(0)
    const mixed = sender.submit([true, false, false].map((zerocopy) => ({ segments: [content(2_000)], zerocopy })))
    await sender.settled()
    expect(mixed.map(({ result }) => result)).toEqual([2_000, 2_000, 2_000])
  })
})
