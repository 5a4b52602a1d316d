// Records made up for tests: the shapes of real ones, no number in them was ever measured.

import { type BackendLabel, INTERVALS, LEVELS, TRANSPORTS, type Transport } from '../../src/cells/cell.js'
import { seededRandom } from '../../src/numbers/random.js'
import { type BenchRecord, type Row, recordSchema } from '../../src/record/record.js'

/** The shape of a made-up sweep. */
export interface SyntheticSweep {
  backends?: readonly BackendLabel[]
  rounds?: number
  /** Share of the sends that the kernel copied. */
  copiedShare?: number
  intervals?: readonly number[]
  seed?: number
}

const SPEEDS: Record<BackendLabel, number> = {
  'uring-fixed': 1.2,
  copy: 1.12,
  'errqueue-recvmsg': 1,
  'errqueue-recvmmsg': 1.06,
  uring: 1.11,
  inline: 1.09,
  auto: 1.11,
}
const TRANSPORT_RATES: Record<Transport, number> = { tcp4: 4_800, tcp6: 4_700, udp4: 5_600, udp6: 5_400 }

/** MB/s that a path would have: its lead over errqueue shrinks with the interval. */
function rate(transport: Transport, backend: BackendLabel, interval: number): number {
  const collected = 1 - 0.12 / interval
  const lead = (SPEEDS[backend] - 1) / Math.sqrt(interval)
  return TRANSPORT_RATES[transport] * (backend === 'copy' ? SPEEDS.copy : collected * (1 + lead))
}

function syntheticRow(transport: Transport, backend: Row['backend'], level: Row['level'], interval: number, round: number): Row {
  return {
    transport,
    backend,
    level,
    interval,
    sizeBytes: 65_000,
    round,
    position: 0,
    connections: 1,
    sends: 1,
    bytes: 1,
    seconds: 0.25,
    cpuUserUs: 20_000,
    cpuSystemUs: 200_000,
    messages: 1,
    notifications: 1,
    notifiedIds: 1,
    zerocopySends: 0,
    copiedSends: 0,
    sendCalls: 1,
    collectCalls: 0,
    emptyCollectCalls: 0,
    callsPerSend: 1,
    rangeWidthIds: null,
    partialSends: 0,
    fullSockets: 0,
    noBuffers: 0,
  }
}

/** A made-up sweep over all transports and both levels. */
export function syntheticSweep(sweep: SyntheticSweep = {}): BenchRecord {
  const {
    backends = ['copy', 'errqueue-recvmsg', 'errqueue-recvmmsg', 'uring'],
    rounds = 7,
    copiedShare = 1,
    intervals = INTERVALS,
  } = sweep
  const random = seededRandom(sweep.seed ?? 1)
  const rows: Row[] = []
  for (let round = 0; round < rounds; round++) {
    const drift = 0.93 + 0.14 * random()
    for (const transport of TRANSPORTS) {
      for (const level of LEVELS) {
        for (const interval of intervals) {
          for (const backend of backends) {
            const row = syntheticRow(transport, backend, level, interval, round)
            const bytesPerSecond =
              rate(transport, backend, interval) * 1e6 * drift * (0.985 + 0.03 * random()) * (level === 'driver' ? 1 : 0.94)
            fill(row, bytesPerSecond, copiedShare)
            rows.push({ ...row, position: rows.length })
          }
        }
      }
    }
  }
  return syntheticRecord('sweep', rows)
}

function fill(row: Row, bytesPerSecond: number, copiedShare: number): void {
  const { interval, backend, transport } = row
  const sends = Math.round((bytesPerSecond * row.seconds) / row.sizeBytes)
  const width = transport.startsWith('tcp') ? Math.min(interval, 2 + interval / 20) : interval
  const notifications = backend === 'copy' ? 0 : Math.max(1, Math.round(sends / width))
  const perCollection: Record<BackendLabel, number> = {
    'uring-fixed': 0,
    copy: 0,
    'errqueue-recvmsg': 1 / width,
    'errqueue-recvmmsg': 1 / interval,
    uring: 0,
    inline: 0,
    auto: 0,
  }
  const copied = backend === 'copy' ? sends : Math.round(sends * copiedShare)
  row.sends = sends
  row.bytes = sends * row.sizeBytes
  row.messages = sends
  row.cpuSystemUs = Math.round((row.seconds * 1e6 * 4_000e6) / bytesPerSecond)
  row.cpuUserUs = Math.round(25_000 / Math.sqrt(interval))
  row.notifications = notifications
  row.notifiedIds = backend === 'copy' ? 0 : sends
  row.zerocopySends = sends - copied
  row.copiedSends = copied
  row.sendCalls = backend === 'uring' ? Math.round(sends / interval) : sends
  row.collectCalls = Math.round(sends * perCollection[backend as BackendLabel])
  row.callsPerSend = (row.sendCalls + row.collectCalls) / sends
  row.rangeWidthIds = notifications === 0 ? null : sends / notifications
}

/** A made-up record around some rows; passes the real schema. */
export function syntheticRecord(command: string, rows: Row[], over: Partial<BenchRecord> = {}): BenchRecord {
  const load = { average: [0.12, 0.2, 0.25], cpuTicks: { total: 1_000_000, steal: 1_000 } }
  return recordSchema.parse({
    format: 'sendzc-bench',
    schemaVersion: 1,
    command,
    startedAt: '2026-01-02T03:04:05.678Z',
    finishedAt: '2026-01-02T03:06:35.678Z',
    complete: true,
    seed: 7,
    options: { rounds: 7, size: 65_000, transports: [...TRANSPORTS] },
    path: { kind: 'loopback', host: null, senderCpu: 0, receiverCpu: 1 },
    host: {
      commit: null,
      dirty: null,
      kernel: '6.12.0-synthetic #1 SMP',
      cpuModel: 'Synthetic processor (no real machine)',
      cpuCount: 2,
      node: 'v20.19.0',
      memoryBytes: 4_294_967_296,
      loadBefore: load,
      loadAfter: { average: [0.9, 0.4, 0.3], cpuTicks: { total: 1_030_000, steal: 1_030 } },
    },
    probes: [
      { label: 'uring', backend: 'uring', available: true, reason: 'works', checks: [{ name: 'opcode', ok: true, found: 'SEND_ZC' }] },
      {
        label: 'inline',
        backend: 'inline',
        available: false,
        reason: 'the kernel lacks SCM_ZC_NOTIFICATION',
        remedy: 'boot the kernel of kernel/',
        checks: [{ name: 'sendmsg', ok: false, found: 'EINVAL' }],
      },
    ],
    notes: ['These numbers are made up for a test.'],
    rows,
    ...over,
  })
}

/** A made-up run against the senders that are not ours. */
export function syntheticPeers(): BenchRecord {
  const random = seededRandom(3)
  const rows: Row[] = []
  const senders: [Row['backend'], Row['level'], number][] = [
    ['c-msg_zerocopy', 'peer', 1],
    ['errqueue-recvmsg', 'driver', 1.02],
    ['errqueue-recvmsg', 'writer', 0.93],
    ['c-io_uring', 'peer', 1.1],
    ['uring', 'driver', 1.1],
    ['uring', 'writer', 1.01],
  ]
  for (let round = 0; round < 5; round++) {
    for (const transport of TRANSPORTS) {
      for (const [backend, level, speed] of senders) {
        const row = {
          ...syntheticRow(transport, backend, level, 1, round),
          sends: Math.round(18_000 * speed * (0.99 + 0.02 * random())),
          position: rows.length,
        }
        const unknown = {
          cpuUserUs: null,
          cpuSystemUs: null,
          zerocopySends: null,
          copiedSends: null,
          notifications: null,
          notifiedIds: null,
          callsPerSend: null,
        }
        rows.push({ ...row, bytes: row.sends * row.sizeBytes, ...(level === 'peer' ? unknown : { copiedSends: row.sends }) })
      }
    }
  }
  return syntheticRecord('peers', rows, { startedAt: '2026-01-02T04:00:00.000Z' })
}

/** A made-up run over sizes. */
export function syntheticSizes(): BenchRecord {
  const random = seededRandom(5)
  const rows: Row[] = []
  for (let round = 0; round < 5; round++) {
    for (const transport of ['tcp4', 'tcp6'] as const) {
      for (const [at, sizeBytes] of [4_096, 16_384, 65_536, 262_144, 1_048_576].entries()) {
        for (const backend of ['copy', 'errqueue-recvmsg', 'uring'] as const) {
          const row = { ...syntheticRow(transport, backend, 'driver', 8, round), sizeBytes, sends: 10_000, bytes: sizeBytes * 10_000 }
          const cost = (backend === 'copy' ? 1 : [1.1, 0.6, 0.35, 0.28, 0.22][at]) as number
          row.cpuSystemUs = Math.round((sizeBytes / 65) * 1_000 * cost * (backend === 'uring' ? 0.93 : 1) * (0.98 + 0.04 * random()))
          row.zerocopySends = backend === 'copy' ? 0 : row.sends
          row.copiedSends = backend === 'copy' ? row.sends : 0
          rows.push({ ...row, position: rows.length })
        }
      }
    }
  }
  return syntheticRecord('sizes', rows, {
    startedAt: '2026-01-02T05:00:00.000Z',
    path: { kind: 'remote', host: 'receiver.example', senderCpu: 0, receiverCpu: null },
  })
}

/** A made-up run of every protocol on loopback. */
export function syntheticLo(): BenchRecord {
  const rows = [0, 1, 2].flatMap((round) =>
    (['tcp4', 'udp4', 'raw4', 'packet'] as const).flatMap((transport, at) =>
      (['copy', 'errqueue-recvmsg'] as const)
        .filter((backend) => backend === 'copy' || at < 2)
        .map((backend) => {
          const sends = (backend === 'copy' ? 1_000 : 2_000) + 10 * round
          const bytes = sends * 65_000
          const copied = backend === 'copy' ? sends : 0
          const counts = { sends, bytes, copiedSends: copied, zerocopySends: sends - copied, notifiedIds: sends - copied }
          return { ...syntheticRow('tcp4', backend, 'driver', 1, round), ...counts, transport, received: { sends, bytes, dropped: 0 } }
        }),
    ),
  )
  return syntheticRecord('lo', rows, { startedAt: '2026-01-02T06:00:00.000Z' })
}

/** A made-up run of the older system calls. */
export function syntheticAncestors(): BenchRecord {
  const speeds = { copy: 1_000, 'errqueue-recvmmsg': 1_200, sendfile: 1_300, splice: 1_100, vmsplice: 1_500 }
  const rows = [0, 1, 2].flatMap((round) =>
    [4_096, 65_536].flatMap((sizeBytes) =>
      (Object.entries(speeds) as [Row['backend'], number][]).map(([backend, speed]): Row => {
        const sends = speed + 10 * round
        const known = backend === 'copy' || backend === 'errqueue-recvmmsg'
        const outcome = known ? { copiedSends: sends, zerocopySends: 0 } : { copiedSends: null, zerocopySends: null }
        return { ...syntheticRow('tcp4', 'copy', 'driver', 8, round), backend, sizeBytes, sends, bytes: sends * sizeBytes, ...outcome }
      }),
    ),
  )
  return syntheticRecord('ancestors', rows, { startedAt: '2026-01-02T07:00:00.000Z' })
}

/** Made-up profiles of two paths. */
export function syntheticProfile(): BenchRecord {
  const shares: [string, string, number][] = [
    ['_raw_spin_unlock_irqrestore', 'kernel', 400],
    ['tcp_sendmsg_locked', 'kernel', 300],
    ['v8::internal::Something<v8::internal::Long>::Function', 'node', 200],
    ['all others', 'kernel', 100],
  ]
  const symbols = shares.map(([name, where, samples]) => ({ name, where, samples, share: samples / 1_000 }))
  const rows = (['copy', 'errqueue-recvmsg'] as const).map((backend) => ({
    ...syntheticRow('tcp4', backend, 'driver', 8, 0),
    samples: 1_000,
    symbols,
  }))
  return syntheticRecord('profile', rows, { startedAt: '2026-01-02T08:00:00.000Z' })
}

/** A made-up sweep in a virtual machine, with the inline path and without copying. */
export function syntheticMachineModel(model: string): BenchRecord {
  const sweep = syntheticSweep({ backends: ['errqueue-recvmsg', 'inline'], copiedShare: 0, intervals: [1, 32], rounds: 5, seed: 9 })
  return recordSchema.parse({
    ...sweep,
    command: 'paper',
    host: { ...sweep.host, kernel: '6.12.0-inline #1', cpuModel: 'QEMU TCG CPU version 2.5+' },
    options: { ...sweep.options, machineModel: model },
  })
}
