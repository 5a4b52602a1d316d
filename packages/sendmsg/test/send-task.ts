import type { Backend } from '@sendzc/core'
import { tcpPairs, udpPairs } from '@sendzc/core/conformance'
import { Wake } from '@sendzc/core/driver'
import { bounded, content, DriverSession } from '@sendzc/core/fixtures'
import { copy, type ErrqueueOptions, errqueue, type InlineOptions, inline, type SendmsgCounters } from '../src/index.js'

/** The task behind a {@link SendReport}. */
export interface SendTask {
  transport: 'tcp4' | 'udp4'
  backend: 'errqueue' | 'inline' | 'copy'
  options?: ErrqueueOptions | InlineOptions
  /** Batches, one after the other. */
  submits: number
  /** Messages of each batch. */
  messages: number
  bytes: number
  /** Lets each batch be released before the next one is submitted. */
  oneAtATime?: boolean
  /** The peer does not read before everything is submitted. */
  peerPaused?: boolean
}

/** The result of a task. */
export interface SendReport {
  results: (number | undefined)[]
  releases: (number | undefined)[]
  violations: string[]
  /** When everything was submitted. */
  submitted: SendmsgCounters
  /** When everything was released. */
  released: SendmsgCounters
  wakes: number
}

function backendOf({ backend, options }: SendTask): Backend {
  if (backend === 'copy') return copy()
  return backend === 'inline' ? inline(options as InlineOptions) : errqueue(options as ErrqueueOptions)
}

/** Waits, by wake-ups alone, until everything is released. */
async function released(session: DriverSession): Promise<void> {
  while (session.inFlight > 0) {
    const release = new Promise<unknown>((resolve) => {
      session.onReleased = resolve
    })
    session.arm(Wake.Notification)
    await bounded(release, 'release')
  }
}

/** Sends over a socket pair with a driver, and returns the driver's reports and counters. */
export async function send(task: SendTask): Promise<SendReport> {
  const pair = await (task.transport === 'tcp4' ? tcpPairs('127.0.0.1') : udpPairs('127.0.0.1'))()
  if (task.peerPaused) pair.peer.pause()
  const session = new DriverSession(backendOf(task), pair.fd, 256)
  for (let submit = 0; submit < task.submits; submit++) {
    session.submit(Array.from({ length: task.messages }, () => ({ segments: [content(task.bytes)], zerocopy: task.backend !== 'copy' })))
    if (task.oneAtATime) await released(session)
  }
  if (task.peerPaused) pair.peer.resume()
  const submitted = session.driver.counters() as SendmsgCounters
  await session.settled()
  session.disarm(Wake.Writable | Wake.Notification)
  const report: SendReport = {
    results: session.reports.map(({ result }) => result),
    releases: session.reports.map(({ release }) => release),
    violations: session.violations,
    submitted,
    released: session.driver.counters() as SendmsgCounters,
    wakes: session.wakes.length,
  }
  session.driver.close()
  await pair.dispose()
  return report
}
