import assert from 'node:assert/strict'
import type { SocketKind } from '../../src/driver/driver.js'
import { assertContent, content, POISON } from '../content.js'
import type { ConnectedPair } from '../peers.js'
import type { DriverSession, MessageReport } from './session.js'

/** A message that an idle socket takes whole, in bytes; at this level zero-copy is asked for by flag, whatever the size. */
export const ORDINARY_MESSAGE_BYTES = 4_096

/** Sends one ordinary message, waits for its release, and takes it from the peer. */
export async function sendOrdinaryMessage(kind: SocketKind, pair: ConnectedPair, session: DriverSession): Promise<MessageReport> {
  const [report] = session.submit([{ segments: [content(ORDINARY_MESSAGE_BYTES)], zerocopy: true }]) as [MessageReport]
  await session.answered([report])
  if (kind === 'stream') await pair.peer.read(report.result as number)
  else await pair.peer.readDatagram()
  await session.settled()
  return report
}

/**
 * Fills a stalled stream until it takes no more: a short answer, a refusal, or none.
 * The memory of messages in flight is never touched again.
 */
export async function fillStalledStream(pair: ConnectedPair, session: DriverSession, quiet: () => Promise<void>): Promise<void> {
  let position = 0
  const messageBytes = Math.max(ORDINARY_MESSAGE_BYTES, Math.ceil(pair.stallBytes / 16))
  while (position <= pair.stallBytes && session.freeTokens > 0) {
    const [report] = session.submit([{ segments: [content(messageBytes, position)], zerocopy: true }]) as [MessageReport]
    // A sendmsg answers at once, a ring a few turns later, or not before there is room.
    if (report.result === undefined) await quiet()
    if (report.result === undefined || report.result < messageBytes) return
    position += messageBytes
  }
}

/** Bytes of a datagram that no other datagram begins with. */
const MARK_BYTES = 12

/** Takes `count` datagrams from the peer: in any order, each of the contents at `first`, `first + 1`, and so on, and each once. */
export async function expectDatagrams(pair: ConnectedPair, count: number, bytes: number, first = 0): Promise<void> {
  const missing = new Map<string, number>()
  for (let index = first; index < first + count; index++) missing.set(markOf(content(MARK_BYTES, index)), index)
  for (let arrived = 0; arrived < count; arrived++) {
    const datagram = await pair.peer.readDatagram()
    const index = missing.get(markOf(datagram))
    if (index === undefined) {
      const what = datagram.includes(POISON)
        ? 'poison (a buffer was modified after "released", and the kernel still read it)'
        : 'unknown content'
      assert.fail(`datagram ${first + arrived} holds ${what}`)
    }
    missing.delete(markOf(datagram))
    assert.equal(datagram.byteLength, bytes)
    assertContent(datagram, index, 'datagram')
  }
}

function markOf(datagram: Uint8Array): string {
  return Buffer.from(datagram.buffer, datagram.byteOffset, Math.min(MARK_BYTES, datagram.byteLength)).toString('hex')
}
