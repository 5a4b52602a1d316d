import { ERROR_CODES, ZeroCopyError, type ZeroCopyErrorCode } from '@sendzc/core'
import { z } from 'zod'
import { receiverOptionsSchema } from './socket-spec.js'

const count = z.int().min(0)

const mismatchSchema = z.strictObject({
  unit: count.nullable(),
  offset: count,
  expected: z.int().min(0).max(255),
  got: z.int().min(0).max(255),
  looksPoisoned: z.boolean(),
})

/** What a receiver has counted since it started. */
export const receiverReportSchema = z.strictObject({
  /** Payload received, in bytes: without IPv4 and Ethernet headers. */
  bytes: count,
  /** Messages received; 0 on streams. */
  datagrams: count,
  /** Datagrams that the kernel dropped for lack of receive buffer. */
  droppedDatagrams: count,
  /** From the first bytes received to the last. */
  seconds: z.number().min(0),
  /** CPU time of the receiving thread in user mode, in microseconds. */
  cpuUserUs: count,
  /** CPU time of the receiving thread in the kernel, in microseconds. */
  cpuSystemUs: count,
  /** Mode `verify`: bytes that differ, plus datagrams with a wrong header. */
  verifyErrors: count,
  firstMismatch: mismatchSchema.nullable(),
  /** Mode `verify`: datagrams whose sequence number was not above all before. */
  outOfOrder: count,
  /** Mode `verify`: highest sequence number plus one. */
  nextSequence: count,
  connectionsAccepted: count,
  connectionsOpen: count,
  /** Connections that the peer closed. */
  connectionsClosed: count,
  /** Connections that ended by a reset, the peer's or ours. */
  connectionsReset: count,
  /** System calls that read. */
  readCalls: count,
  /** Returns from waiting. */
  wakes: count,
  paused: z.boolean(),
  /** After `stop`: whether everything that had arrived was read (not so when paused). */
  drained: z.boolean(),
  /** The error that ended the receiving early; absent where none did. */
  error: z.strictObject({ errno: z.string(), syscall: z.string() }).nullable(),
})
/** What a receiver has counted since it started. */
export type ReceiverReport = z.infer<typeof receiverReportSchema>

/** Counts to wait for; the wait ends when every given number is reached. */
export const receiverTargetSchema = z.strictObject({
  bytes: count.default(0),
  datagrams: count.default(0),
  connectionsAccepted: count.default(0),
  /** Connections closed or reset. */
  connectionsEnded: count.default(0),
})
export type ReceiverTarget = z.input<typeof receiverTargetSchema>

const id = z.int().min(1)

/** Parent to child. */
export const receiverRequestSchema = z.discriminatedUnion('type', [
  z.strictObject({ id, type: z.literal('start'), options: receiverOptionsSchema }),
  z.strictObject({ id, type: z.literal('wait'), target: receiverTargetSchema }),
  z.strictObject({ id, type: z.enum(['report', 'pause', 'resume', 'reset', 'cancel-wait', 'stop']) }),
])
export type ReceiverRequest = z.output<typeof receiverRequestSchema>

const addressSchema = z.strictObject({ host: z.string(), port: count })

const errorSchema = z.strictObject({
  code: z.enum(Object.keys(ERROR_CODES) as [ZeroCopyErrorCode, ...ZeroCopyErrorCode[]]),
  message: z.string(),
  errno: z.string().optional(),
  syscall: z.string().optional(),
  remedy: z.string().optional(),
})

/** Child to parent: one answer to each request. */
export const receiverAnswerSchema = z.discriminatedUnion('type', [
  z.strictObject({ id, type: z.literal('started'), address: addressSchema }),
  z.strictObject({ id, type: z.literal('report'), report: receiverReportSchema }),
  z.strictObject({ id, type: z.literal('failed'), error: errorSchema }),
])
export type ReceiverAnswer = z.output<typeof receiverAnswerSchema>

/** @internal An error as a message; any error other than a ZeroCopyError becomes ERR_ZC_SYSTEM. */
export function errorToMessage(error: unknown): z.input<typeof errorSchema> {
  if (!ZeroCopyError.is(error))
    return { code: 'ERR_ZC_SYSTEM', message: error instanceof Error ? (error.stack ?? error.message) : String(error) }
  const { code, errno, syscall, remedy } = error
  const message = remedy !== undefined && error.message.endsWith(remedy) ? error.message.slice(0, -remedy.length).trimEnd() : error.message
  return { code, message, ...(errno && { errno }), ...(syscall && { syscall }), ...(remedy && { remedy }) }
}

/** @internal */
export function errorFromMessage(error: z.output<typeof errorSchema>): ZeroCopyError {
  return new ZeroCopyError(error.code, error.message, { errno: error.errno, syscall: error.syscall, remedy: error.remedy })
}
