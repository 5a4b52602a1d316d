import { tcpPairs, udpPairs } from '@sendzc/core/conformance'
import { Release } from '@sendzc/core/driver'
import { content, DriverSession } from '@sendzc/core/fixtures'
import { describe, expect, it } from 'vitest'
import { errqueue } from '../src/index.js'
import { parsed, runTraced } from './children/child.js'
import { type SendReport, type SendTask, send } from './send-task.js'

const CHILD_TEST_MS = 90_000
const collecting = 'sendmsg,sendmmsg,recvmmsg'

const one: SendTask = { transport: 'udp4', backend: 'errqueue', submits: 1, messages: 1, bytes: 1000 }

/** Over UDP on the loopback device a message is released within its send, so that the counts are exact. */
describe('the interval between collections', () => {
  it.each([
    { interval: 1, collectCalls: 32 },
    { interval: 4, collectCalls: 8 },
    { interval: 16, collectCalls: 2 },
  ])('$interval: collected within submit, $collectCalls times for 32 sends', async ({ interval, collectCalls }) => {
    for (const collect of ['recvmsg', 'recvmmsg'] as const) {
      const report = await send({ ...one, options: { interval, collect }, submits: 32 })
      expect(report.submitted).toMatchObject({ sendCalls: 32, collectCalls, emptyCollectCalls: 0, notifiedIds: 32, inFlight: 0 })
      expect(report.wakes).toBe(0)
      expect(report.violations).toEqual([])
    }
  })

  it('counts sends across batches, and within one', async () => {
    const report = await send({ ...one, options: { interval: 4 }, submits: 4, messages: 6 })
    expect(report.submitted).toMatchObject({ collectCalls: 6, notifiedIds: 24, inFlight: 0 })
  })

  it('none: nothing is collected until the event loop says so', async () => {
    const report = await send({ ...one, submits: 32 })
    expect(report.submitted).toMatchObject({ collectCalls: 0, inFlight: 32 })
    expect(report.released).toMatchObject({ collectCalls: 1, notifiedIds: 32, inFlight: 0 })
    expect(report.wakes).toBe(1)
  })
})

describe('system calls', () => {
  it('a batch of datagrams is one sendmmsg', async () => {
    const report = await send({ ...one, submits: 2, messages: 12 })
    expect(report.submitted).toMatchObject({ sendCalls: 2, inFlight: 24 })
  })

  it(
    'on UDP at interval 1: two for each send, and none to hear EAGAIN',
    async () => {
      const task: SendTask = { transport: 'udp4', backend: 'errqueue', options: { interval: 1 }, submits: 50, messages: 1, bytes: 2000 }
      const traced = await runTraced(collecting, [], './send-child.ts', task)
      expect(parsed<SendReport>(traced).releases).toEqual(Array(50).fill(Release.Copied))
      const ours = traced.calls.filter((line) => line.includes('MSG_ZEROCOPY') || line.includes('MSG_ERRQUEUE'))
      expect(ours).toHaveLength(100)
      expect(ours.filter((line) => line.includes('EAGAIN'))).toEqual([])
    },
    CHILD_TEST_MS,
  )

  it(
    'on TCP without an interval: one wake-up and one call collect what a batch left',
    async () => {
      const task: SendTask = { transport: 'tcp4', backend: 'errqueue', submits: 40, messages: 1, bytes: 20_000, oneAtATime: true }
      const traced = await runTraced(collecting, [], './send-child.ts', task)
      const report = parsed<SendReport>(traced)
      expect(report.released).toMatchObject({ sendCalls: 40, notifiedIds: 40, emptyCollectCalls: 0 })
      const collects = traced.calls.filter((line) => line.includes('MSG_ERRQUEUE'))
      expect(collects.length).toBeLessThanOrEqual(41)
      expect(collects.filter((line) => line.includes('EAGAIN'))).toEqual([])
    },
    CHILD_TEST_MS,
  )

  it(
    'a copying driver never asks the error queue',
    async () => {
      const task: SendTask = { transport: 'tcp4', backend: 'copy', submits: 20, messages: 2, bytes: 3000 }
      const traced = await runTraced(collecting, [], './send-child.ts', task)
      expect(parsed<SendReport>(traced).releases).toEqual(Array(40).fill(Release.None))
      expect(traced.calls.filter((line) => line.includes('MSG_ERRQUEUE') || line.includes('MSG_ZEROCOPY'))).toEqual([])
    },
    CHILD_TEST_MS,
  )
})

/** The next id is unknown before the first notification. */
describe('a socket on which zero-copy was enabled before', () => {
  it.each([
    ['tcp4', tcpPairs('127.0.0.1')],
    ['udp4', udpPairs('127.0.0.1')],
  ] as const)(
    '%s: what is sent behind the first message is copied and counted, until that one is notified',
    async (_transport, openPair) => {
      const pair = await openPair()
      new DriverSession(errqueue(), pair.fd, 1).driver.close()
      const session = new DriverSession(errqueue(), pair.fd, 8)
      session.submit(Array.from({ length: 3 }, () => ({ segments: [content(1000)], zerocopy: true })))
      expect(session.driver.counters()).toMatchObject({ uncountedCopies: 2, inFlight: 1 })
      await session.settled()
      expect(session.reports.map(({ release }) => release)).toEqual([Release.Copied, Release.None, Release.None])
      session.driver.close()
      await pair.dispose()
    },
  )
})
