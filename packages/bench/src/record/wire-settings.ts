import { z } from 'zod'

/** How the other end of the wire behaves; all of it stands in the record. */
export const wireSettingsSchema = z.strictObject({
  /** How long each acknowledgement is held back, in microseconds: the round trip without the time of the two ends. */
  rttUs: z.int().nonnegative(),
  /** 0 to 1: share of the segments that are acknowledged only when they are sent again. */
  lossShare: z.number().min(0).max(1),
  /** Segments after which an acknowledgement goes out; 0 = whenever the peer has read every packet. */
  ackEverySegments: z.int().nonnegative(),
  /** MSS of TCP over IPv4 that the peer names, in bytes; over IPv6 it names 20 less. */
  mssBytes: z.int().positive(),
  /** MTU of the device, in bytes: the largest UDP datagram that is not cut into fragments. */
  mtuBytes: z.int().positive(),
  /** Window that the peer advertises, in bytes. */
  windowBytes: z.int().positive(),
})

/** See {@link wireSettingsSchema}. */
export type WireSettings = z.infer<typeof wireSettingsSchema>

/** The MSS is that of an Ethernet, as on a real path. The device takes a whole datagram, as loopback does. */
export const WIRE_DEFAULTS: WireSettings = {
  rttUs: 0,
  lossShare: 0,
  ackEverySegments: 0,
  mssBytes: 1_460,
  mtuBytes: 65_535,
  windowBytes: 33_554_432,
}

/** Describes the wire to the reader of a record. */
export const WIRE_SENTENCE =
  "Wire: bytes leave and are acknowledged; nobody reads them, so the receiver's cost is absent and content is not checked."

/** Headers of IPv6 are 20 bytes longer than those of IPv4. */
export const IPV6_EXTRA_BYTES = 20

/** MSS over IPv6, in bytes. */
export function mssBytes6({ mssBytes }: WireSettings): number {
  return mssBytes - IPV6_EXTRA_BYTES
}

/** The settings that differ from the defaults, in words; empty where none does. */
export function wireSettingsText(settings: WireSettings): string {
  const { rttUs, lossShare, ackEverySegments, mssBytes, mtuBytes, windowBytes } = settings
  const words = [
    ...(rttUs === WIRE_DEFAULTS.rttUs ? [] : [`round trip ${rttUs} µs`]),
    ...(lossShare === WIRE_DEFAULTS.lossShare ? [] : [`loss ${(lossShare * 100).toString()} %`]),
    ...(ackEverySegments === WIRE_DEFAULTS.ackEverySegments ? [] : [`an acknowledgement every ${ackEverySegments} segments`]),
    ...(mssBytes === WIRE_DEFAULTS.mssBytes ? [] : [`MSS ${mssBytes}`]),
    ...(mtuBytes === WIRE_DEFAULTS.mtuBytes ? [] : [`MTU ${mtuBytes}`]),
    ...(windowBytes === WIRE_DEFAULTS.windowBytes ? [] : [`window ${windowBytes} bytes`]),
  ]
  return words.join(', ')
}
