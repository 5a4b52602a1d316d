import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

/** The byte that a caller writes over memory that it believes to be free. The content of these tests never holds it. */
export const POISON = 0xee

/** Pieces of poison: more than all messages of a test. */
const PIECES = 600

/** Period of the content: prime, so that content that moved by a page never matches. */
const PERIOD_BYTES = 8191

/** Collects all garbage, also where node runs without --expose-gc. */
export function collectGarbage(): void {
  setFlagsFromString('--expose-gc')
  ;(runInNewContext('gc') as () => void)()
}

/** One period, and a second one so that any window of it is one piece. */
const content = new Uint8Array(2 * PERIOD_BYTES).map((_, at) => (at % PERIOD_BYTES) % 0xed)

/** New memory with the content that belongs at `position` of a stream. */
export function contentAt(position: number, bytes: number): Uint8Array {
  const made = new Uint8Array(bytes)
  for (let at = 0; at < bytes; at += PERIOD_BYTES) {
    const from = (position + at) % PERIOD_BYTES
    made.set(content.subarray(from, from + Math.min(PERIOD_BYTES, bytes - at)), at)
  }
  return made
}

/** Where `bytes`, which arrived from the beginning of a stream, are not the content; -1 where all are. */
export function firstMismatch(bytes: Uint8Array): number {
  const expected = contentAt(0, bytes.length)
  return Buffer.compare(bytes, expected) === 0 ? -1 : bytes.findIndex((byte, at) => byte !== expected[at])
}

/** Collects all garbage, and poisons as much of the freed memory as it can get. */
export function poisonFreedMemory(pieceBytes: number): void {
  for (let round = 0; round < 4; round++) {
    collectGarbage()
    const pieces: Uint8Array[] = []
    for (let piece = 0; piece < PIECES; piece++) pieces.push(new Uint8Array(pieceBytes).fill(POISON))
  }
}
