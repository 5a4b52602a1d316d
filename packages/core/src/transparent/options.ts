import { totalmem } from 'node:os'
import type { Backend } from '../driver/driver.js'
import { flag, record, whole, withDefault } from '../writer/option-reader.js'
import { AUTO_DEFAULTS, LIMITS, parseOptions, type ResolvedWriterOptions, writerOptionsSchema } from '../writer/options.js'
import { pinnableBytes } from './memlock.js'

/** Part of the machine's memory that all sockets together may keep pinned by default. */
const DEFAULT_PINNED_FRACTION = 1 / 8
/** Part of RLIMIT_MEMLOCK that they may keep pinned by default: the kernel charges whole pages, and all processes of a user together. */
const DEFAULT_MEMLOCK_FRACTION = 3 / 4

/** Options of `zeroCopy()`. Absent and `undefined` are the same. */
export interface ZeroCopyOptions {
  /** The notification path: `auto([...])`, `uring()`, `errqueue()`, `inline()`. */
  backend: Backend
  /** Smallest chunk, in bytes, whose memory is shared; smaller ones are copied. Default 40,960. */
  minSharedBytes?: number | undefined
  /**
   * Checks each shared chunk when it is written and when it is released. Where the two checks differ, the program has changed memory before the
   * callback of its write. A warning names the write by its stack, `changedChunks` counts it, and the channel `sendzc:changed` publishes it; from
   * then on this thread copies. Default false.
   */
  verify?: boolean | undefined
  /**
   * Bytes that all sockets together keep shared with the kernel, at most: those of this thread, and, with the backends of sendzc, of all threads of
   * the process, explicit writers included (a look at the other threads holds for 10 ms). At this limit large chunks are copied. A chunk that begins
   * below the limit is shared whole. Default an eighth of the machine's memory, and at most three quarters of RLIMIT_MEMLOCK where that limit
   * applies (setrlimit(2)).
   */
  maxPinnedBytes?: number | undefined
  /** Bytes that each socket keeps shared with the kernel, at most; as `maxPinnedBytes`. Default 16,777,216. */
  maxPinnedBytesPerSocket?: number | undefined
  /**
   * Time, in ms, for which a peer may hold shared memory without acknowledging a byte. Then its connection is reset, counted (`resets.held`) and
   * published (`sendzc:reset`). The time is looked at every `idleCloseMs`. 0 = never. Default 300,000.
   */
  maxHoldMs?: number | undefined
  /** Messages of one socket in flight. Default 256. */
  maxInFlight?: number | undefined
  /** Time, in ms, that the kernel may keep memory of a destroyed socket before the socket's connection is aborted. Default 30,000. */
  drainTimeoutMs?: number | undefined
  /** Time, in ms, that an aborted connection has to let go of the memory before that memory is abandoned (left pinned). Default 1,000. */
  abortGraceMs?: number | undefined
  /** Time, in ms, that a socket's second descriptor stays open after the socket's last shared chunk. Default 5,000. */
  idleCloseMs?: number | undefined
  /** Copied notifications in a row on the way to a peer address after which large chunks take Node's own path. 0 = never. Default 16. */
  demoteAfterCopied?: number | undefined
  /** Large chunks on Node's own path between two attempts at zero-copy, after `demoteAfterCopied` was reached. Default 1,024. */
  retryZerocopyEvery?: number | undefined
}

type Limits = Required<{ [K in Exclude<keyof ZeroCopyOptions, 'backend'>]: Exclude<ZeroCopyOptions[K], undefined> }>

/** Options of `zeroCopy()`, with every default filled in. */
export interface ResolvedZeroCopyOptions extends Limits {
  backend: Backend
  /** For the sending half of each socket. */
  writer: ResolvedWriterOptions
}

const schema = record<Limits>({
  minSharedBytes: withDefault(whole(1, Number.MAX_SAFE_INTEGER), AUTO_DEFAULTS.minZerocopyMessageBytes),
  verify: withDefault(flag, false),
  maxPinnedBytes: withDefault(whole(0, Number.MAX_SAFE_INTEGER), 0),
  maxPinnedBytesPerSocket: withDefault(whole(0, Number.MAX_SAFE_INTEGER), 16_777_216),
  maxHoldMs: withDefault(whole(0, LIMITS.drainTimeoutMs), 300_000),
  maxInFlight: withDefault(whole(1, LIMITS.maxInFlight), 256),
  drainTimeoutMs: withDefault(whole(0, LIMITS.drainTimeoutMs), 30_000),
  abortGraceMs: withDefault(whole(0, LIMITS.abortGraceMs), 1_000),
  idleCloseMs: withDefault(whole(1, LIMITS.drainTimeoutMs), 5_000),
  demoteAfterCopied: withDefault(whole(0, 1_048_576), AUTO_DEFAULTS.demoteAfterCopied),
  retryZerocopyEvery: withDefault(whole(1, 1_048_576), 1_024),
})

function defaultPinnedBytes(): number {
  return Math.floor(Math.min(totalmem() * DEFAULT_PINNED_FRACTION, pinnableBytes() * DEFAULT_MEMLOCK_FRACTION))
}

/** @throws ZeroCopyError ERR_ZC_INVALID_OPTION */
export function resolveZeroCopyOptions({ backend, ...rest }: ZeroCopyOptions): ResolvedZeroCopyOptions {
  const limits = parseOptions(schema, { ...rest, maxPinnedBytes: rest.maxPinnedBytes ?? defaultPinnedBytes() }, 'zeroCopy')
  const { minSharedBytes, maxInFlight, drainTimeoutMs, abortGraceMs, demoteAfterCopied, retryZerocopyEvery } = limits
  const writer = parseOptions(
    writerOptionsSchema,
    // Every write that the half gets has a chunk of this size: the half shares such chunks, and copies the smaller ones beside them.
    {
      minZerocopyBytes: minSharedBytes,
      copyAtLimit: true,
      maxInFlight,
      drainTimeoutMs,
      abortGraceMs,
      demoteAfterCopied,
      retryZerocopyEvery,
    },
    'zeroCopy',
  )
  return { ...limits, backend, writer }
}
