import assert from 'node:assert/strict'
import { quietTurns } from '../bounded.js'
import { assertContent, collectGarbage, content, POISON, pressGarbageCollector } from '../content.js'
import type { DriverPromise } from '../contract.js'
import type { ConnectedPair } from '../peers.js'
import type { DriverSession } from './session.js'
import { expectDatagrams } from './traffic.js'

/** Messages in flight, at most: more than a stalled connection holds of them. */
const MESSAGES = 256
/** Largest message. Its memory comes from the heap, where freed memory is soon used again; larger memory would go back to the system. */
const MAX_MESSAGE_BYTES = 60_000
const DATAGRAMS = 10
/** Together more than the burst that a slow device lets pass at once. */
const DATAGRAM_BYTES = 12_000

/** Submits messages to a peer that does not read, until the socket takes no more. */
async function fillWithSmallMessages({ stallBytes }: ConnectedPair, session: DriverSession): Promise<void> {
  const messageBytes = Math.min(MAX_MESSAGE_BYTES, Math.ceil(stallBytes / (MESSAGES - 1)))
  for (let position = 0; session.freeTokens > 0; position += messageBytes) {
    const [report] = session.submit([{ segments: [content(messageBytes, position)], zerocopy: true }])
    // A sendmsg answers at once, a ring a few turns later, or not before there is room.
    if (report?.result === undefined) await quietTurns()
    if (report?.result !== messageBytes) return
  }
}

/** Gives the memory of every message in flight to another owner, who lets go of it at once. */
function transferAway(session: DriverSession): void {
  let transferred = 0
  for (const { segments, release } of session.reports) {
    if (release !== undefined) continue
    for (const { buffer } of segments) structuredClone(buffer, { transfer: [buffer as ArrayBuffer] })
    transferred++
  }
  if (session.driver.zerocopy) assert.ok(transferred > 0, 'nothing was in flight')
  session.forgetMemory()
}

/** Fills the free memory of the heap with poison, in pieces as large as the memory that may have been freed. The caller holds the result. */
function overwriteFreed(pieceBytes: number): Uint8Array[] {
  collectGarbage()
  return Array.from({ length: 4 * MESSAGES }, () => new Uint8Array(pieceBytes).fill(POISON))
}

async function expectWholeStream(pair: ConnectedPair, session: DriverSession): Promise<void> {
  pair.peer.resume()
  await session.answered(session.reports)
  const taken = session.reports.reduce((sum, { result }) => sum + Math.max(0, result ?? 0), 0)
  assertContent(await pair.peer.read(taken), 0, 'stream')
  await session.settled()
  session.assertNoViolations()
}

export const pinnedUntilReleased: DriverPromise = {
  name: 'pinned-until-released',
  says: 'from submit to released, the memory of a message stays where it is and what it is, whatever becomes of the ArrayBuffer',
  cases: [
    {
      name: 'a stream whose memory is transferred away in flight',
      kinds: ['stream'],
      run: async (trial) => {
        const { pair, session } = await trial.start(MESSAGES)
        pair.peer.pause()
        await fillWithSmallMessages(pair, session)
        transferAway(session)
        const poison = overwriteFreed(MAX_MESSAGE_BYTES)
        await quietTurns()
        await expectWholeStream(pair, session)
        assert.ok(poison.length > 0)
      },
    },
    {
      name: 'a stream whose memory is forgotten in flight, and garbage collected',
      kinds: ['stream'],
      run: async (trial) => {
        const { pair, session } = await trial.start(MESSAGES)
        pair.peer.pause()
        await fillWithSmallMessages(pair, session)
        session.forgetMemory()
        pressGarbageCollector()
        await quietTurns()
        pressGarbageCollector()
        await expectWholeStream(pair, session)
      },
    },
    {
      name: 'datagrams in a slow device whose memory is transferred away',
      kinds: ['datagram'],
      needsSlowPair: true,
      run: async (trial) => {
        const pair = await trial.slowPair()
        const session = trial.session(pair, DATAGRAMS)
        await session.sendDatagrams(Array.from({ length: DATAGRAMS }, (_, index) => content(DATAGRAM_BYTES, index)))
        transferAway(session)
        const poison = overwriteFreed(DATAGRAM_BYTES)
        await expectDatagrams(pair, DATAGRAMS, DATAGRAM_BYTES)
        await session.settled()
        session.assertNoViolations()
        assert.ok(poison.length > 0)
      },
    },
  ],
}
