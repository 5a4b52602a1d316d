/**
 * The laboratory: measures the ways the kernel can say "your buffer is free again". The program is `cli.ts`; this entry is
 * for those who read its records.
 * @packageDocumentation
 */

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
} from './cells/cell.js'
export { BenchFailure, ExitStatus, type ExitStatusCode } from './cli/failure.js'
export { bootstrapMedian, median, pairedRatio, quantile, type RatioEstimate, type Summary, summarize } from './numbers/statistics.js'
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
