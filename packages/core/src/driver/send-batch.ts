/**
 * Flags of one message in a {@link SendBatch}. `Envelope`: the message has an envelope in {@link SendBatch.envelopes}. `HoldsRest`, on a datagram that has
 * one: where it fails, whatever the errno, the messages behind it in the batch are not attempted, for the writer sends a part of it again before them.
 */
export const MessageFlag = { Zerocopy: 1, Envelope: 2, HoldsRest: 4 } as const

/** Words per message in {@link SendBatch.table}. */
export const TABLE_WORDS = 3

/** Words per message in {@link SendBatch.envelopes}. */
export const ENVELOPE_WORDS = 16

/**
 * Words of one envelope: the address of one datagram, and the control data that `sendmsg(2)` takes with it. `Parts` holds the {@link EnvelopePart} bits
 * of what is set; every other word counts only where its bit is set. Addresses are bytes in network order, an IPv4 address in the first four;
 * ports and all other numbers are in the order of the processor. `SendAtLow` and `SendAtHigh` are the halves of nanoseconds of CLOCK_MONOTONIC.
 */
export const EnvelopeWord = {
  Parts: 0,
  Port: 1,
  Scope: 2,
  Address: 3,
  SegmentBytes: 7,
  Source: 8,
  SourceScope: 12,
  Ecn: 13,
  SendAtLow: 14,
  SendAtHigh: 15,
} as const

/** Parts of an envelope (bits). `Segments`: the datagram is cut by UDP_SEGMENT (Linux 4.18). `SendAt`: SO_TXTIME (Linux 4.19). */
export const EnvelopePart = { Address: 1, Segments: 2, Ecn: 4, Source: 8, SendAt: 16 } as const

/**
 * A reusable batch of messages for `Driver.submit`. Fixed capacity; filling it allocates nothing.
 *
 * Message `m` is `table[3m .. 3m+2]` = token, number of segments, {@link MessageFlag} bits; its segments follow those of
 * message `m - 1` in `segments`. The native side reads `segments` by index, so entries beyond `segmentCount` are stale.
 */
export class SendBatch {
  /** Token, number of segments and flags of each message; {@link TABLE_WORDS} words a message. */
  readonly table: Uint32Array
  /** Memory of the messages, in their order. */
  readonly segments: (Uint8Array | undefined)[]
  /** Envelope of each message that has {@link MessageFlag} `Envelope`; {@link ENVELOPE_WORDS} words a message, see {@link EnvelopeWord}. */
  readonly envelopes: Uint32Array
  /** Capacity in messages. */
  readonly maxMessages: number
  /** Capacity in segments, over all messages. */
  readonly maxSegments: number
  /** Messages that are closed. */
  messageCount = 0
  /** Messages among them that have an envelope. */
  envelopeCount = 0
  /** Segments that were added, those of an open message included. */
  segmentCount = 0

  /**
   * @param maxMessages - capacity in messages
   * @param maxSegments - capacity in segments, over all messages
   */
  constructor(maxMessages: number, maxSegments: number) {
    this.maxMessages = maxMessages
    this.maxSegments = maxSegments
    this.table = new Uint32Array(maxMessages * TABLE_WORDS)
    this.envelopes = new Uint32Array(maxMessages * ENVELOPE_WORDS)
    this.segments = new Array<Uint8Array | undefined>(maxSegments).fill(undefined)
  }

  /** Adds a segment to the message that {@link endMessage} will close. The caller checks {@link maxSegments}. */
  addSegment(segment: Uint8Array): void {
    this.segments[this.segmentCount++] = segment
  }

  /** Bytes of the segment that was added last. */
  get lastSegmentBytes(): number {
    return this.segments[this.segmentCount - 1]?.length ?? 0
  }

  /** Closes the message made of the last `segmentCount` segments. The caller checks {@link maxMessages}. */
  endMessage(token: number, segmentCount: number, flags: number): void {
    const at = this.messageCount++ * TABLE_WORDS
    this.table[at] = token
    this.table[at + 1] = segmentCount
    this.table[at + 2] = flags
  }

  /**
   * Gives the message that was closed last an envelope of {@link ENVELOPE_WORDS} words; see `Driver.addressFamily`.
   * @param segmentBytes - set: the message is cut into datagrams of this size, as if the words said so
   */
  setEnvelope(words: Uint32Array, segmentBytes = 0): void {
    const at = this.messageCount - 1
    this.table[at * TABLE_WORDS + 2] = (this.table[at * TABLE_WORDS + 2] as number) | MessageFlag.Envelope
    const to = at * ENVELOPE_WORDS
    // Not set(), which leaves compiled code.
    for (let word = 0; word < ENVELOPE_WORDS; word++) this.envelopes[to + word] = words[word] as number
    this.envelopeCount++
    if (segmentBytes === 0) return
    this.envelopes[to + EnvelopeWord.Parts] = (words[EnvelopeWord.Parts] as number) | EnvelopePart.Segments
    this.envelopes[to + EnvelopeWord.SegmentBytes] = segmentBytes
  }

  /** Empties the batch and drops its references, so that a sent buffer can be collected. */
  clear(): void {
    // Not fill(), which leaves compiled code: most batches have few.
    for (let at = 0; at < this.segmentCount; at++) this.segments[at] = undefined
    this.messageCount = 0
    this.envelopeCount = 0
    this.segmentCount = 0
  }
}
