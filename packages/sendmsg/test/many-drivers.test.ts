import { type ConnectedPair, udpPairs } from '@sendzc/core/conformance'
import { type Driver, Wake } from '@sendzc/core/driver'
import { bounded, content, DriverSession } from '@sendzc/core/fixtures'
import { describe, expect, it } from 'vitest'
import { errqueue } from '../src/index.js'

/** Together more events in one turn of the event loop than the buffer holds, which has room for 1,024 at first. */
const DRIVERS = 16
const MESSAGES = 128
/** Messages of one batch. */
const BATCH_MESSAGES = 16

interface Sender {
  pair: ConnectedPair
  session: DriverSession
}

/** Drivers with datagrams in flight, each of which has its notification already: on the loopback device it comes within the send. */
async function openSenders(): Promise<Sender[]> {
  const senders: Sender[] = []
  for (let count = 0; count < DRIVERS; count++) {
    const pair = await udpPairs('127.0.0.1')()
    const session = new DriverSession(errqueue(), pair.fd, MESSAGES)
    senders.push({ pair, session })
  }
  for (const { session } of senders) {
    for (let sent = 0; sent < MESSAGES; sent += BATCH_MESSAGES) {
      session.submit(Array.from({ length: BATCH_MESSAGES }, () => ({ segments: [content(100)], zerocopy: true })))
    }
  }
  return senders
}

async function closeSenders(senders: readonly Sender[]): Promise<void> {
  for (const { pair, session } of senders) {
    session.driver.close()
    await pair.dispose()
  }
}

/** Arms every driver; resolves when `count` of them were woken and all events of that turn were handed over. */
async function wokenTogether(senders: readonly Sender[], count: number): Promise<void> {
  for (const { session } of senders) session.arm(Wake.Notification)
  const woken = new Promise<void>((resolve) => {
    const look = (): void => {
      if (senders.filter(({ session }) => session.wakes.length > 0).length >= count) resolve()
      else setImmediate(look)
    }
    look()
  })
  await bounded(woken, 'wake-ups')
}

describe('wake-ups of many drivers in one turn of the event loop', () => {
  it('are all delivered, also where their events are more than the buffer holds', async () => {
    const senders = await openSenders()
    await wokenTogether(senders, DRIVERS)
    for (const { session } of senders) {
      expect(session.inFlight).toBe(0)
      expect(session.violations).toEqual([])
    }
    await closeSenders(senders)
  })

  it('reach no driver that took the place of one that was closed meanwhile', async () => {
    const senders = await openSenders()
    const [first, last] = [senders[0], senders.at(-1)] as [Sender, Sender]
    const next = await udpPairs('127.0.0.1')()
    let successor: Driver | undefined
    let wakesOfLast: number | undefined
    first.session.onReleased = () => {
      if (successor !== undefined) return
      first.session.onReleased = () => undefined
      // Out of the dispatch, and before the events of the last driver are looked at: the buffer was full before.
      queueMicrotask(() => {
        wakesOfLast = last.session.wakes.length
        last.session.driver.close()
        // Each fetch of events frees the numbers of closed drivers.
        first.session.driver.collect()
        const sink = { sent: () => undefined, released: () => undefined, wake: () => undefined }
        successor = errqueue().open({ fd: next.fd, sink, maxInFlight: 4 })
        successor.arm(Wake.Notification)
      })
    }
    await wokenTogether(senders, DRIVERS - 1)
    expect(wakesOfLast).toBe(0)
    // It has sent no message, so it makes no call.
    expect(successor?.counters()).toMatchObject({ collectCalls: 0 })
    successor?.close()
    await next.dispose()
    await closeSenders(senders)
  })
})

/** Drivers open at once in a thread. Mirrors `max_drivers` in native/environment.h. */
const MAX_DRIVERS = 65_536

it('drivers that are closed without a message make room for others', async () => {
  const pair = await udpPairs('127.0.0.1')()
  const sink = { sent: () => undefined, released: () => undefined, wake: () => undefined }
  for (let opened = 0; opened <= MAX_DRIVERS; opened++) errqueue().open({ fd: pair.fd, sink, maxInFlight: 1 }).close()
  await pair.dispose()
})
