// Opens drivers on one ring, sends a message on each with one flush, and prints the outcomes.

import { ZeroCopyError } from '@sendzc/core'
import { tcpPairs } from '@sendzc/core/conformance'
import { DriverSession } from '@sendzc/core/fixtures'
import { type UringOptions, uring } from '../../src/index.js'

export interface SendTask {
  options: UringOptions
  sockets: number
  bytes: number
}

export interface SendChildReport {
  error?: { code: string; errno: string | undefined; syscall: string | undefined; message: string }
  probe: { available: boolean; reason: string; remedy: string | undefined }
  setupFlags?: number
  results?: (number | undefined)[]
  releases?: (number | undefined)[]
  sendCalls?: number
}

const task = JSON.parse(process.argv[2] as string) as SendTask

async function send(): Promise<SendChildReport> {
  const backend = uring(task.options)
  const { available, reason, remedy } = backend.probe()
  const probe = { available, reason, remedy }
  const pairs = await Promise.all(Array.from({ length: task.sockets }, tcpPairs('127.0.0.1')))
  try {
    const sessions = pairs.map(({ fd }) => new DriverSession(backend, fd, 4))
    process.stderr.write('opened\n')
    const reports = sessions.map((session) => submitHeld(session, task.bytes))
    sessions[0]?.driver.flush()
    for (const [at, session] of sessions.entries()) {
      await session.answered(reports[at] ?? [])
      await session.settled()
      session.assertNoViolations()
    }
    const sendCalls = sessions.reduce((sum, { driver }) => sum + driver.counters().sendCalls, 0)
    const setupFlags = backend.describeRing()?.setupFlags
    for (const { driver } of sessions) driver.close()
    const all = reports.flat()
    return {
      probe,
      results: all.map(({ result }) => result),
      releases: all.map(({ release }) => release),
      sendCalls,
      ...(setupFlags === undefined ? {} : { setupFlags }),
    }
  } catch (error) {
    if (!ZeroCopyError.is(error)) throw error
    const { code, errno, syscall, message } = error
    return { probe, error: { code, errno, syscall, message } }
  } finally {
    for (const pair of pairs) await pair.dispose()
  }
}

/** The session flushes after each submit; here one flush is to serve all. */
function submitHeld(session: DriverSession, bytes: number): ReturnType<DriverSession['submit']> {
  const { driver } = session
  const flush = driver.flush
  driver.flush = () => undefined
  try {
    return session.submit([{ segments: [new Uint8Array(bytes).fill(1)], zerocopy: true }])
  } finally {
    driver.flush = flush
  }
}

process.stdout.write(JSON.stringify(await send()))
