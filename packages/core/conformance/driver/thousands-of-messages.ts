import { quietTurns, turn, until } from '../bounded.js'
import { assertContent, content } from '../content.js'
import type { ConnectedPair, Peer } from '../peers.js'
import type { DriverTrial } from '../trial.js'
import { assertMayBeSentAgain, type DriverSession, type MessageReport } from './session.js'
import { expectDatagrams } from './traffic.js'

/** A fault that comes once in 1,000 messages comes twice. */
const MESSAGES = 2_100
/** Stream: in flight, at most. Together these messages are more than a stalled connection holds. */
const MAX_IN_FLIGHT = 512
const MESSAGES_PER_BATCH = 4
/** Bytes that the peer reads at a time. */
const SIP_MESSAGES = 8
/** Enough to meet a fault that comes once in 1,000 messages. */
const SLOW_DATAGRAMS = 1_104
/** In flight, at most: few enough for the memory that the kernel has for notifications (net.core.optmem_max). */
const DATAGRAMS_IN_FLIGHT = 96
const DATAGRAMS_PER_BATCH = 12
const DATAGRAM_BYTES = 200

/** A peer that reads a little at a time, and compares it. */
class SipReader {
  /** Bytes that the kernel has taken from the sender. */
  taken = 0
  readonly #peer: Peer
  readonly #sipBytes: number
  #position = 0

  constructor({ peer }: ConnectedPair, sipBytes: number) {
    this.#peer = peer
    this.#sipBytes = sipBytes
  }

  /** Reads on, a little at a time, until `condition` holds, and at most every byte that was taken. */
  async until(condition: () => boolean): Promise<void> {
    while (!condition() && this.#position < this.taken) await this.sip()
    if (condition()) return
    this.#peer.resume()
    await until(condition, 'progress while the peer reads')
    this.#peer.pause()
  }

  async sip(): Promise<void> {
    const bytes = Math.min(this.#sipBytes, this.taken - this.#position)
    this.#peer.resume()
    const sip = await this.#peer.read(bytes)
    this.#peer.pause()
    assertContent(sip, this.#position, 'stream')
    this.#position += bytes
    await turn()
  }

  async rest(): Promise<void> {
    while (this.#position < this.taken) await this.sip()
  }
}

/**
 * Thousands of messages to a peer that reads a little whenever the socket is full. Behind each released message the kernel has yet to read others:
 * a release that is early, or another message's, lets poison into the stream.
 */
export async function sendThousandsToFullSocket(trial: DriverTrial): Promise<void> {
  const { pair, session } = await trial.start(MAX_IN_FLIGHT)
  session.poisonAtRelease()
  const messageBytes = Math.ceil(pair.stallBytes / (MAX_IN_FLIGHT - MESSAGES_PER_BATCH))
  const reader = new SipReader(pair, SIP_MESSAGES * messageBytes)
  const waiting: Uint8Array[] = Array.from({ length: MESSAGES }, (_, index) => content(messageBytes, index * messageBytes))
  pair.peer.pause()
  while (waiting.length > 0) {
    await submitUntilFull(reader, session, waiting)
    const { inFlight } = session
    // A copy is released with its send.
    if (inFlight === 0) await reader.rest()
    else
      await reader.until(() => {
        session.driver.collect()
        return session.inFlight < inFlight
      })
  }
  await reader.rest()
  pair.peer.resume()
  await session.settled()
  session.assertNoViolations()
}

/** Submits from the head of `waiting` until the socket takes no more; a message that it did not take stays there. */
async function submitUntilFull(reader: SipReader, session: DriverSession, waiting: Uint8Array[]): Promise<void> {
  let full = false
  while (!full && waiting.length > 0 && session.freeTokens >= MESSAGES_PER_BATCH) {
    const reports = session.submit(waiting.slice(0, MESSAGES_PER_BATCH).map((piece) => ({ segments: [piece], zerocopy: true })))
    const answered = (): boolean => reports.every(({ result }) => result !== undefined)
    // A ring answers some turns later, or not before there is room.
    if (!answered()) await quietTurns()
    const stalled = !answered()
    await reader.until(answered)
    reader.taken += reports.reduce((sum, { result }) => sum + Math.max(0, result as number), 0)
    full = !takeAnswers(reports, waiting) || stalled
  }
}

/** Removes from `waiting` the bytes that the kernel has taken; false where some are left. */
function takeAnswers(reports: readonly MessageReport[], waiting: Uint8Array[]): boolean {
  for (const { result, segments, bytes } of reports) {
    const taken = result as number
    if (taken < 0) {
      assertMayBeSentAgain(taken)
      return false
    }
    waiting.shift()
    if (taken === bytes) continue
    waiting.unshift((segments[0] as Uint8Array).subarray(taken))
    return false
  }
  return true
}

/** Thousands of datagrams that arrive as soon as they are sent. */
export async function sendThousandsOfDatagrams(trial: DriverTrial): Promise<void> {
  const { pair, session } = await trial.start(DATAGRAMS_IN_FLIGHT)
  session.poisonAtRelease()
  for (let index = 0; index < MESSAGES; index += DATAGRAMS_PER_BATCH) {
    await sendBatch(session, index)
    await expectDatagrams(pair, DATAGRAMS_PER_BATCH, DATAGRAM_BYTES, index)
  }
  await session.settled()
  session.assertNoViolations()
}

/** More than a thousand datagrams, most of those in flight waiting in the device: one that is released early, or for another, leaves as poison. */
export async function sendManyToSlowDevice(trial: DriverTrial): Promise<void> {
  const pair = await trial.slowPair()
  const session = trial.session(pair, DATAGRAMS_IN_FLIGHT)
  // A copied message never waits in its caller's memory.
  if (!session.driver.zerocopy) return
  session.poisonAtRelease()
  for (let index = 0; index < SLOW_DATAGRAMS; index += DATAGRAMS_PER_BATCH) await sendBatch(session, index)
  await expectDatagrams(pair, SLOW_DATAGRAMS, DATAGRAM_BYTES)
  await session.settled()
  session.assertNoViolations()
}

async function sendBatch(session: DriverSession, first: number): Promise<void> {
  await session.settled(DATAGRAMS_IN_FLIGHT - DATAGRAMS_PER_BATCH)
  await session.sendDatagrams(Array.from({ length: DATAGRAMS_PER_BATCH }, (_, at) => content(DATAGRAM_BYTES, first + at)))
  // A driver on a socket that was used before may need one notification to learn the kernel's count.
  if (first === 0) await session.settled()
}
