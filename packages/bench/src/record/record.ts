import { z } from 'zod'
import { ANCESTORS, BACKENDS, LEVELS, NAMED_PATHS, OTHER_TRANSPORTS, PEERS, SELFTEST_PATHS, TRANSPORTS } from '../cells/cell.js'
import { wireSettingsSchema } from './wire-settings.js'

/** Version of {@link recordSchema}. A record of another version is refused, never guessed at. */
export const RECORD_VERSION = 1

const count = z.int().nonnegative()
const countOrUnknown = count.nullable()

/** The work of the processors in the time of a row; null where this machine does not count it, and never a substitute. */
export const processorSchema = z.strictObject({
  /** Time that all CPUs together were not idle, in microseconds: /proc/stat, in clock ticks of mostly 10 ms (proc(5)). */
  busyUs: countOrUnknown,
  /** Cycles of the sending process's threads (perf_event_open(2), PERF_COUNT_HW_CPU_CYCLES). */
  cycles: countOrUnknown,
  /** Cycles of all CPUs, whatever ran on them. */
  allCycles: countOrUnknown,
  /** Instructions of the sending process's threads; see `instructionsFrom`. */
  instructions: countOrUnknown,
  /** Instructions of all CPUs. */
  allInstructions: countOrUnknown,
  /** `perf`: counted by the hardware. `icount`: QEMU's virtual clock, which goes on by one nanosecond with each instruction. */
  instructionsFrom: z.enum(['perf', 'icount']).nullable(),
})

/** See {@link processorSchema}. */
export type ProcessorUse = z.infer<typeof processorSchema>

/** The counters of the other end for one row. */
export const receivedSchema = z.strictObject({
  /** Messages that arrived whole; on a stream, bytes over the size of a send, rounded down. */
  sends: count,
  /** Payload, in bytes, without the headers that RAW and PACKET senders write themselves. */
  bytes: count,
  /** Datagrams that the kernel dropped for lack of receive buffer. */
  dropped: count,
})

/** The wire's counters for one row, from the opening of its connections to their closing. */
export const wireRowSchema = z.strictObject({
  /** Bytes that the sender has counted over the life of its connections; null = it does not count them. */
  sentBytes: countOrUnknown,
  /** Payload that left for the first time, in bytes. It equals `sentBytes`, or the row is refused. */
  newBytes: count,
  /** Payload of every packet that the classifier counted, in bytes, including retransmissions. */
  bytes: count,
  /** Packets as a device with GSO gets them. */
  packets: count,
  /** Packets as they would be on a cable. */
  segments: count,
  /** Acknowledgements without payload that the peer sent. */
  acks: count,
  /** Segments that the peer ignored until they were sent again, to simulate loss. */
  lostSegments: count,
  /** Packets that did not reach the peer, because it was behind. */
  ringDrops: count,
  /** CPU time of the peer over the time of the row, in user and kernel mode. */
  peerCpuShare: z.number().nonnegative(),
})

/** See {@link wireRowSchema}. */
export type WireRow = z.infer<typeof wireRowSchema>

/** A function of the kernel or of the process, and its share of the samples of a row. */
export const symbolSchema = z.strictObject({
  name: z.string(),
  /** `kernel`, or the file that it stands in. */
  where: z.string(),
  samples: count,
  /** 0 to 1: of all samples of the row. */
  share: z.number().min(0).max(1),
})

/** Quantiles of a time, in microseconds: this share of the sends took at most so long. */
export const latencyQuantilesSchema = z.strictObject({
  p50Us: z.number().nonnegative(),
  p90Us: z.number().nonnegative(),
  p99Us: z.number().nonnegative(),
  p999Us: z.number().nonnegative(),
  maxUs: z.number().nonnegative(),
})

/** See {@link latencyQuantilesSchema}. */
export type LatencyQuantiles = z.infer<typeof latencyQuantilesSchema>

/** Latencies of an open loop. Each counts from when the send should have begun. */
export const latencySchema = z.strictObject({
  /** Sends per second of the schedule. */
  ratePerSecond: z.number().positive(),
  /** Until the send was handed to the path: the delay of the generator itself. */
  begun: latencyQuantilesSchema,
  /** Until the kernel had queued every byte. */
  sent: latencyQuantilesSchema,
  /** Until the kernel no longer referenced any of them. */
  released: latencyQuantilesSchema,
})

/** Sizes of the requests: the slides' BM_RPC(2B), BM_RPC(98KB) and mixed workload. */
export const RPC_WORKLOADS = ['small', 'large', 'mixed'] as const
/** One of {@link RPC_WORKLOADS}. */
export type RpcWorkload = (typeof RPC_WORKLOADS)[number]

/** Calls of one row, one after the other. */
export const rpcSchema = z.strictObject({
  workload: z.enum(RPC_WORKLOADS),
  /** minZerocopyBytes of the writer, in bytes; null = it never asked for zero-copy. */
  thresholdBytes: z.int().nonnegative().nullable(),
  smallBytes: z.int().positive(),
  largeBytes: z.int().positive(),
  /** From the call to its answer, calls with a small request; null where there were none. */
  small: latencyQuantilesSchema.nullable(),
  large: latencyQuantilesSchema.nullable(),
})

/** The state of the machine during a row; null where it is not known. */
export const conditionsSchema = z.strictObject({
  /** 0 to 1: share of the time of all CPUs that the hypervisor took (/proc/stat, steal). */
  stolenShare: z.number().min(0).max(1).nullable(),
  /** 0 to 1: share of the time that the sending thread waited for a CPU (/proc/thread-self/schedstat). */
  waitedShare: z.number().min(0).max(1).nullable(),
  /** Frequency of the sender's CPU just after, in MHz. */
  frequencyMhz: z.number().positive().nullable(),
})

/** See {@link conditionsSchema}. */
export type Conditions = z.infer<typeof conditionsSchema>

/**
 * One cell in one round. `null` stands for a count that a foreign sender does not report; it never means zero.
 */
export const rowSchema = z.strictObject({
  transport: z.enum([...TRANSPORTS, ...OTHER_TRANSPORTS]),
  backend: z.enum([...BACKENDS, ...NAMED_PATHS, ...PEERS, ...ANCESTORS, ...SELFTEST_PATHS]),
  /** `driver`, `writer`, `selftest` for the C sender of kernel/selftests, or `peer` for a sender that is not ours. */
  level: z.enum([...LEVELS, 'peer', 'selftest']),
  /** Sends between two collections of notifications. */
  interval: z.int().positive(),
  /** Bytes of one send. */
  sizeBytes: z.int().positive(),
  /** From 0. */
  round: count,
  /** Place in the run, from 0: the order in which rows were measured. */
  position: count,
  /** Connections that shared the sends. */
  connections: z.int().positive(),
  /** Sends that the kernel took at least a byte of; at the writer level, writes whose every byte was sent. */
  sends: count,
  /** Bytes sent. */
  bytes: count,
  /** Time in which they were sent: the sum of tinybench's samples, in seconds. */
  seconds: z.number().positive(),
  /** CPU time of the sending process in those seconds, in user mode, in microseconds (getrusage(2)). */
  cpuUserUs: countOrUnknown,
  /** CPU time of the sending process in kernel mode, in microseconds; on loopback it includes most of the reception. */
  cpuSystemUs: countOrUnknown,
  /** Messages handed to the kernel: a writer on a stream joins several writes into one. */
  messages: countOrUnknown,
  /** Notifications that reported the release of those messages: ranges, or notification CQEs. */
  notifications: countOrUnknown,
  /** Ids (messages) that the notifications covered. */
  notifiedIds: countOrUnknown,
  /** Messages sent from the caller's memory. */
  zerocopySends: countOrUnknown,
  /** Messages that the kernel copied, or that never asked for zero-copy. */
  copiedSends: countOrUnknown,
  /** System calls that sent. */
  sendCalls: countOrUnknown,
  /** System calls that collected notifications. */
  collectCalls: countOrUnknown,
  /** `collectCalls` that found no notification. */
  emptyCollectCalls: countOrUnknown,
  /** (`sendCalls` + `collectCalls`) / `sends`; the event loop's own epoll_wait is not in it. */
  callsPerSend: z.number().nonnegative().nullable(),
  /** `notifiedIds` / `notifications`; null where there was none. */
  rangeWidthIds: z.number().nonnegative().nullable(),
  /** Messages of which a stream took only a part. */
  partialSends: countOrUnknown,
  /** Times that the socket was full (EAGAIN). */
  fullSockets: countOrUnknown,
  /** Times that the kernel had no memory for a notification (ENOBUFS). */
  noBuffers: countOrUnknown,
  /** Only from the commands of this program that measure in turns. */
  conditions: conditionsSchema.optional(),
  /** Only from commands that read the processors' counters. */
  processor: processorSchema.optional(),
  /** Distinguishes cells that are equal in the fields above: a rate, a workload and its threshold. */
  variant: z.string().optional(),
  /** Only from `bench rpc`. */
  rpc: rpcSchema.optional(),
  /** Only from `bench latency`. */
  latency: latencySchema.optional(),
  /** Only from a run on the wire. */
  wire: wireRowSchema.optional(),
  /** Only from commands that read the receiver's counters. */
  received: receivedSchema.optional(),
  /** Only from `bench profile`: the functions that took most of the time, most first. */
  symbols: z.array(symbolSchema).optional(),
  /** Only from `bench profile`: all samples of the row, those of other functions included. */
  samples: count.optional(),
})

/** See {@link rowSchema}. */
export type Row = z.infer<typeof rowSchema>

/** The result of a probe: `Capability` of @sendzc/core. */
export const probeSchema = z.strictObject({
  /** Label in the tables: `errqueue-recvmsg` and `errqueue-recvmmsg` share one probe. */
  label: z.string(),
  backend: z.string(),
  available: z.boolean(),
  reason: z.string(),
  remedy: z.string().optional(),
  checks: z.array(z.strictObject({ name: z.string(), ok: z.boolean(), found: z.string(), remedy: z.string().optional() })),
})

/** See {@link probeSchema}. */
export type ProbeRecord = z.infer<typeof probeSchema>

const loadSchema = z.strictObject({
  /** Load averages of 1, 5 and 15 minutes (proc(5), /proc/loadavg). */
  average: z.array(z.number()).length(3),
  /** CPU time since boot, over all CPUs, in clock ticks (proc(5), /proc/stat): the total, and the hypervisor's part. */
  cpuTicks: z.strictObject({ total: z.number(), steal: z.number() }).nullable(),
})

/** The host of the measurement. */
export const hostSchema = z.strictObject({
  /** Commit of this repository; null outside a git checkout. */
  commit: z.string().nullable(),
  /** True when tracked files differed from the commit; null without a checkout. */
  dirty: z.boolean().nullable(),
  /** `uname -r` and `uname -v`. */
  kernel: z.string(),
  cpuModel: z.string(),
  cpuCount: z.int().positive(),
  node: z.string(),
  /** Bytes of main memory. */
  memoryBytes: z.int().positive(),
  loadBefore: loadSchema,
  loadAfter: loadSchema,
})

/** See {@link hostSchema}. */
export type HostRecord = z.infer<typeof hostSchema>

/** The record of one run. */
export const recordSchema = z.strictObject({
  format: z.literal('sendzc-bench'),
  schemaVersion: z.literal(RECORD_VERSION),
  /** The subcommand, for example `sweep`. */
  command: z.string(),
  /** Start and end, ISO 8601. */
  startedAt: z.iso.datetime(),
  finishedAt: z.iso.datetime(),
  /** False when the run was interrupted: the record has the rows up to then. */
  complete: z.boolean(),
  /** Seed of the order. */
  seed: z.int().nonnegative(),
  /** Options as the user gave them, without the dashes: `true` for a switch. `--resume` uses them. */
  arguments: z.record(z.string(), z.union([z.string(), z.literal(true)])).optional(),
  /** Options as they were in effect, defaults included. */
  options: z.record(z.string(), z.unknown()),
  /** Where the bytes went. */
  path: z.strictObject({
    kind: z.enum(['loopback', 'remote', 'wire']),
    /** Host given to `--to`; null for loopback and for the wire. */
    host: z.string().nullable(),
    /** CPU of the sender and of the receiver; null = not pinned. */
    senderCpu: z.int().nonnegative().nullable(),
    receiverCpu: z.int().nonnegative().nullable(),
    /** How the wire behaved, where `kind` is `wire`. */
    wire: wireSettingsSchema.optional(),
  }),
  host: hostSchema,
  probes: z.array(probeSchema),
  /** Remarks for the reader, one sentence each: cells that were left out and why, the sources of a peer. */
  notes: z.array(z.string()),
  rows: z.array(rowSchema),
})

/** See {@link recordSchema}. */
export type BenchRecord = z.infer<typeof recordSchema>

/** Bytes per second of a row. */
export function bytesPerSecond(row: Row): number {
  return row.bytes / row.seconds
}

/** Share of copied messages among those whose outcome the kernel reported; null where it reported none. */
export function copiedShare(rows: readonly Row[]): number | null {
  let copied = 0
  let told = 0
  for (const row of rows) {
    if (row.copiedSends === null || row.zerocopySends === null) continue
    copied += row.copiedSends
    told += row.copiedSends + row.zerocopySends
  }
  return told === 0 ? null : copied / told
}
