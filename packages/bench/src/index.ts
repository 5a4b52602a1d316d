/**
 * The laboratory: measures the ways the kernel can say "your buffer is free again". The program is `cli.ts`; what stands here is
 * for those who read its records.
 * @packageDocumentation
 */

export { BenchFailure, ExitStatus, type ExitStatusCode } from './cli/failure.js'
export {
  type BenchRecord,
  bytesPerSecond,
  copiedShare,
  type HostRecord,
  hostSchema,
  type ProbeRecord,
  probeSchema,
  RECORD_VERSION,
  type Row,
  recordSchema,
  rowSchema,
} from './record/record.js'
export { MAX_RECORD_BYTES, readRecord, writeRecord } from './record/record-file.js'
export {
  BACKENDS,
  BASELINE,
  type BackendLabel,
  type Cell,
  LEVELS,
  type Level,
  PEERS,
  type PeerLabel,
  TRANSPORTS,
  type Transport,
} from './run/cell.js'
export { bootstrapMedian, median, pairedRatio, quantile, type RatioEstimate, type Summary, summarize } from './run/statistics.js'
