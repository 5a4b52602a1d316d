import { ZeroCopyError } from '@sendzc/core'
import { parseOptions } from '@sendzc/core/driver'
import { z } from 'zod'
import { native } from './native.js'

const safe = z.int().min(0).max(Number.MAX_SAFE_INTEGER)
const patternOptionsSchema = z.strictObject({
  /** Chooses the pattern; sender and receiver agree on it. */
  seed: safe.default(0),
  /** Offset of the buffer's first byte in the stream, in bytes. */
  offset: safe.default(0),
})
const datagramOptionsSchema = z.strictObject({
  seed: safe.default(0),
  /** Number of the datagram; the receiver finds its content by it. At most 2^36. */
  sequence: z
    .int()
    .min(0)
    .max(2 ** 36),
})
/** Options of {@link fillPattern}. */
export type PatternOptions = z.input<typeof patternOptionsSchema>
/** Options of {@link fillDatagram}. */
export type DatagramOptions = z.input<typeof datagramOptionsSchema>

/** Bytes of the header that {@link fillDatagram} writes: a magic, the length, the sequence number. */
export const DATAGRAM_HEADER_BYTES = 16
/** Largest datagram that {@link fillDatagram} fills. */
export const MAX_DATAGRAM_BYTES = 131_072
/** The byte that a test writes over memory once it is released, to find memory that was not. */
export const POISON_BYTE = 0xdb

/** The first difference that a verification found. */
export interface Mismatch {
  /** Number of the connection (in order of acceptance) or of the datagram; null for a datagram whose header is wrong. */
  unit: number | null
  /** Offset in bytes in that stream or datagram. */
  offset: number
  expected: number
  got: number
  /** Whether the bytes from there on are {@link POISON_BYTE}: memory sent after its release. */
  looksPoisoned: boolean
}

/**
 * Fills `buffer` with the bytes of a stream from `offset` on, each of which follows from the seed and its offset. A receiver in mode
 * `verify` expects these bytes on every connection, from offset 0.
 * @throws ZeroCopyError ERR_ZC_INVALID_OPTION
 */
export function fillPattern(buffer: Uint8Array, options: PatternOptions = {}): void {
  const { seed, offset } = parseOptions(patternOptionsSchema, options, 'fillPattern')
  native().fillPattern(buffer, seed, offset)
}

/**
 * Fills `buffer` with one datagram: a header of {@link DATAGRAM_HEADER_BYTES}, then bytes that follow from seed, sequence and place.
 * @throws ZeroCopyError ERR_ZC_INVALID_ARGUMENT for a buffer below DATAGRAM_HEADER_BYTES or above MAX_DATAGRAM_BYTES
 */
export function fillDatagram(buffer: Uint8Array, options: DatagramOptions): void {
  const { seed, sequence } = parseOptions(datagramOptionsSchema, options, 'fillDatagram')
  if (native().fillDatagram(buffer, seed, sequence) === 0) return
  const range = `${DATAGRAM_HEADER_BYTES} to ${MAX_DATAGRAM_BYTES} bytes`
  throw new ZeroCopyError('ERR_ZC_INVALID_ARGUMENT', `A verifiable datagram has ${range}, this one ${buffer.byteLength}.`)
}

/**
 * Compares `buffer` with the bytes that {@link fillPattern} writes.
 * @returns the number of bytes that differ, and the first of them (`unit` is 0)
 */
export function verifyPattern(buffer: Uint8Array, options: PatternOptions = {}): { verifyErrors: number; firstMismatch: Mismatch | null } {
  const { seed, offset } = parseOptions(patternOptionsSchema, options, 'verifyPattern')
  return native().verifyPattern(buffer, seed, offset)
}
