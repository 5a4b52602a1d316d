import { z } from 'zod'
import {
  ALL_PATHS,
  BACKEND_GROUPS,
  BACKENDS,
  type BackendLabel,
  CELL_LIMITS,
  DEFAULT_SIZE_BYTES,
  INTERVALS,
  LEVELS,
  NAMED_PATHS,
  TRANSPORTS,
} from '../cells/cell.js'
import { type OptionSpecs, read, withDefault } from '../cli/command-line.js'
import { SEED_LIMIT } from '../numbers/random.js'
import { WIRE_OPTIONS } from '../wire/wire-options.js'

/** Options that every measuring command shares, under the same names. A command picks the ones it has. */
export const COMMON_OPTIONS = {
  transports: { value: 'LIST', help: `out of ${TRANSPORTS.join(',')}`, schema: read.words(TRANSPORTS).default([...TRANSPORTS]) },
  backends: {
    value: 'LIST',
    help: `out of ${BACKENDS.join(',')}, and errqueue for both of its (default: what works here)`,
    schema: read.words(BACKENDS, BACKEND_GROUPS).optional(),
  },
  intervals: {
    value: 'LIST',
    help: `sends between two collections of notifications (default ${INTERVALS.join(',')})`,
    schema: read.wholes(1, CELL_LIMITS.intervalSends).default([...INTERVALS]),
  },
  levels: { value: 'LIST', help: `out of ${LEVELS.join(',')} (default both)`, schema: read.words(LEVELS).default([...LEVELS]) },
  size: {
    value: 'BYTES',
    help: `bytes of one send, K and M allowed (default ${DEFAULT_SIZE_BYTES})`,
    schema: read.whole(1, CELL_LIMITS.sizeBytes, true).default(DEFAULT_SIZE_BYTES),
  },
  'runtime-ms': { value: 'MS', help: 'time of one cell in one round', schema: read.whole(1, CELL_LIMITS.runtimeMs) },
  rounds: { value: 'N', help: 'how often each cell is measured', schema: read.whole(1, CELL_LIMITS.rounds) },
  json: { value: 'FILE', help: 'where the record goes (default results/<command>-<time>.json)', schema: read.path.optional() },
  resume: {
    value: 'FILE',
    help: 'go on with the record of an interrupted run, with its options and its seed',
    schema: read.path.optional(),
  },
  to: { value: 'HOST:PORT', help: 'send to `bench serve` on another machine', schema: read.endpoint.optional() },
  cpus: {
    value: 'A,B',
    help: 'CPU of the sender and of the receiver (default 0,1 where there are two)',
    schema: read
      .wholes(0, 8_191)
      .refine((list) => list.length === 2, 'wants two different CPUs, as in 0,1')
      .optional(),
  },
  nodelay: {
    value: 'on|off',
    help: 'TCP_NODELAY (default: driver level off, as the selftest; writer level on)',
    schema: z
      .enum(['on', 'off'], 'is "on" or "off"')
      .transform((text) => text === 'on')
      .optional(),
  },
  congestion: {
    value: 'NAME',
    help: 'congestion control of TCP (default cubic, which does not pace; "system" keeps what the system has)',
    schema: z
      .string()
      .regex(/^[\w-]{1,15}$/u, 'is the name of a congestion control, as in cubic')
      .optional(),
  },
  seed: { value: 'N', help: 'order of the cells (default random; it is in the record)', schema: read.whole(0, SEED_LIMIT - 1).optional() },
} satisfies OptionSpecs

/** `--backends` of the commands that also take {@link NAMED_PATHS}. */
export const ALL_PATHS_OPTION = {
  ...COMMON_OPTIONS.backends,
  help: `${COMMON_OPTIONS.backends.help}; ${NAMED_PATHS.join(',')}: uring from registered memory (fixedBuffers), beside uring`,
  schema: read.words(ALL_PATHS, BACKEND_GROUPS).optional(),
}

/** What such a command probes: the named paths only where it was asked for some by name. */
export function pathsOf({ backends }: { backends?: readonly BackendLabel[] | undefined }): readonly BackendLabel[] {
  return backends === undefined ? BACKENDS : ALL_PATHS
}

/** Options of every command that leaves a record. */
export const RUN_OPTIONS = {
  json: COMMON_OPTIONS.json,
  resume: COMMON_OPTIONS.resume,
  cpus: COMMON_OPTIONS.cpus,
  congestion: COMMON_OPTIONS.congestion,
  seed: COMMON_OPTIONS.seed,
}

/** Ways of the bytes: to this machine, to another one, or over a wire. */
export const WAY_OPTIONS = { to: COMMON_OPTIONS.to, ...WIRE_OPTIONS }

/** Sizes of one send, in bytes. */
export const SIZES_OPTION = {
  value: 'LIST',
  help: 'bytes of one send, K and M allowed',
  schema: read.wholes(1, CELL_LIMITS.sizeBytes, true),
}

/** How long and how often each cell is measured, with a command's own defaults. */
export function turnOptions({ runtimeMs, rounds }: { runtimeMs: number; rounds: number }) {
  return { 'runtime-ms': withDefault(COMMON_OPTIONS['runtime-ms'], runtimeMs), rounds: withDefault(COMMON_OPTIONS.rounds, rounds) }
}
