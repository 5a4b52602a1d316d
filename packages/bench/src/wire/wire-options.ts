import { z } from 'zod'
import { type OptionValues, read } from '../cli/command-line.js'
import { BenchFailure } from '../cli/failure.js'
import { IPV6_EXTRA_BYTES, WIRE_DEFAULTS, type WireSettings } from '../record/wire-settings.js'

/** Bounds of what may be asked for, in the unit that each name ends with. */
const LIMITS = { rttUs: 1_000_000, ackEverySegments: 1_024, windowBytes: 67_107_840 } as const

const share = z.string().transform((text, context) => {
  const value = Number(text)
  if (text !== '' && value >= 0 && value <= 0.5) return value
  context.addIssue(`"${text}" is not a share from 0 to 0.5, as in 0.01`)
  return z.NEVER
})

/** How the wire behaves, for the command that makes one. */
export const WIRE_BEHAVIOUR_OPTIONS = {
  'rtt-us': {
    value: 'US',
    help: `of the wire: acknowledgements are held back so long (default ${WIRE_DEFAULTS.rttUs})`,
    schema: read.whole(0, LIMITS.rttUs).optional(),
  },
  loss: {
    value: 'SHARE',
    help: 'of the wire: share of the segments that are not acknowledged until they are sent again (default 0)',
    schema: share.optional(),
  },
  'ack-every': {
    value: 'N',
    help: 'of the wire: segments after which it acknowledges (default 0: whenever it has read all that left)',
    schema: read.whole(0, LIMITS.ackEverySegments).optional(),
  },
  mss: {
    value: 'BYTES',
    help: `of the wire: MSS over IPv4, 20 less over IPv6 (default ${WIRE_DEFAULTS.mssBytes})`,
    schema: read.whole(536, 65_000).optional(),
  },
  mtu: {
    value: 'BYTES',
    help: `of the wire: MTU of its device (default ${WIRE_DEFAULTS.mtuBytes}, so that a datagram is one packet)`,
    schema: read.whole(1_280, 65_535).optional(),
  },
  window: {
    value: 'BYTES',
    help: 'of the wire: window of TCP, K and M allowed (default 32M)',
    schema: read.whole(4_096, LIMITS.windowBytes, true).optional(),
  },
}

/** Options of every command that has a wire. */
export const WIRE_OPTIONS = {
  wire: {
    help: 'send over a wire made for the run: bytes really leave, without a copy, and are acknowledged; nobody reads them (root)',
    schema: read.flag.default(false),
  },
  ...WIRE_BEHAVIOUR_OPTIONS,
}

/** Values of {@link WIRE_OPTIONS}. */
export type WireOptions = OptionValues<typeof WIRE_OPTIONS>

type BehaviourOptions = OptionValues<typeof WIRE_BEHAVIOUR_OPTIONS>

/**
 * How the wire of a run behaves.
 * @returns undefined where none was asked for
 * @throws BenchFailure for an option of the wire without the wire, and for the wire together with another machine
 */
export function wireOf(options: Partial<WireOptions> & { to?: unknown }): WireSettings | undefined {
  if (options.wire === true) {
    if (options.to !== undefined) throw new BenchFailure('--wire and --to: the bytes go one way or the other. Leave one of them out.')
    return wireSettings(options)
  }
  const given = Object.keys(WIRE_BEHAVIOUR_OPTIONS).find((name) => options[name as keyof BehaviourOptions] !== undefined)
  if (given !== undefined) throw new BenchFailure(`--${given} is an option of the wire: add --wire.`)
  return undefined
}

/** @throws BenchFailure for an MSS that does not fit the MTU */
export function wireSettings(options: Partial<BehaviourOptions>): WireSettings {
  const settings: WireSettings = {
    rttUs: options['rtt-us'] ?? WIRE_DEFAULTS.rttUs,
    lossShare: options.loss ?? WIRE_DEFAULTS.lossShare,
    ackEverySegments: options['ack-every'] ?? WIRE_DEFAULTS.ackEverySegments,
    mtuBytes: options.mtu ?? WIRE_DEFAULTS.mtuBytes,
    mssBytes: options.mss ?? Math.min(WIRE_DEFAULTS.mssBytes, (options.mtu ?? WIRE_DEFAULTS.mtuBytes) - 2 * IPV6_EXTRA_BYTES),
    windowBytes: options.window ?? WIRE_DEFAULTS.windowBytes,
  }
  if (settings.mssBytes + 2 * IPV6_EXTRA_BYTES > settings.mtuBytes)
    throw new BenchFailure(`--mss: ${settings.mssBytes} bytes and 40 of headers do not fit an MTU of ${settings.mtuBytes}.`)
  return settings
}
