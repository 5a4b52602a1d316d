import type { BenchRecord, Row } from '../src/record/record.js'

/** A row as a real run leaves it, with what a test cares about laid over. */
export function row(over: Partial<Row> = {}): Row {
  return {
    transport: 'tcp4',
    backend: 'errqueue-recvmsg',
    level: 'driver',
    interval: 1,
    sizeBytes: 65_000,
    round: 0,
    position: 0,
    connections: 1,
    sends: 1_000,
    bytes: 65_000_000,
    seconds: 0.01,
    cpuUserUs: 1_000,
    cpuSystemUs: 9_000,
    messages: 1_000,
    notifications: 500,
    notifiedIds: 1_000,
    zerocopySends: 0,
    copiedSends: 1_000,
    sendCalls: 1_000,
    collectCalls: 1_500,
    emptyCollectCalls: 500,
    callsPerSend: 2.5,
    rangeWidthIds: 2,
    partialSends: 0,
    fullSockets: 0,
    noBuffers: 0,
    ...over,
  }
}

/** A record as a real run leaves it. */
export function record(rows: Row[] = [row()]): BenchRecord {
  const load = { average: [0.1, 0.2, 0.3], cpuTicks: { total: 1_000, steal: 0 } }
  return {
    format: 'sendzc-bench',
    schemaVersion: 1,
    command: 'sweep',
    startedAt: '2026-01-02T03:04:05.678Z',
    finishedAt: '2026-01-02T03:06:05.678Z',
    complete: true,
    seed: 7,
    options: { rounds: 3, transports: ['tcp4'] },
    path: { kind: 'loopback', host: null, senderCpu: 0, receiverCpu: 1 },
    host: {
      commit: null,
      dirty: null,
      kernel: '6.1.0 #1',
      cpuModel: 'model',
      cpuCount: 2,
      node: 'v20.19.0',
      memoryBytes: 1_073_741_824,
      loadBefore: load,
      loadAfter: load,
    },
    probes: [{ label: 'uring', backend: 'uring', available: true, reason: 'works', checks: [{ name: 'x', ok: true, found: 'y' }] }],
    notes: [],
    rows,
  }
}
