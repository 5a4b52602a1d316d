// Records made up for tests, of the commands that measure times: no number in them was ever measured.

import type { BackendLabel } from '../../src/cells/cell.js'
import type { BenchRecord, LatencyQuantiles, Row } from '../../src/record/record.js'
import { row } from '../rows.js'
import { syntheticRecord } from './synthetic-records.js'

const BACKENDS: readonly BackendLabel[] = ['copy', 'errqueue-recvmsg', 'uring', 'auto']

function quantiles(us: number): LatencyQuantiles {
  return { p50Us: us, p90Us: 1.5 * us, p99Us: 4 * us, p999Us: 30 * us, maxUs: 80 * us }
}

/** A made-up run at two rates. */
export function syntheticLatency(): BenchRecord {
  const rows = [0, 1, 2].flatMap((round) =>
    (['tcp4', 'udp4'] as const).flatMap((transport) =>
      [1_000, 8_000].flatMap((ratePerSecond) =>
        BACKENDS.map((backend, at): Row => {
          const us = (6 + 2 * at) * (1 + 0.02 * round)
          const latency = { ratePerSecond, begun: quantiles(1), sent: quantiles(us), released: quantiles(at === 0 ? us : 10 * us) }
          const variant = `${ratePerSecond}/s`
          return row({ variant, transport, backend, level: 'writer', round, sizeBytes: 16_384, sends: ratePerSecond, seconds: 1, latency })
        }),
      ),
    ),
  )
  return syntheticRecord('latency', rows, { startedAt: '2026-01-02T09:00:00.000Z' })
}

/** A made-up run of calls. */
export function syntheticRpc(): BenchRecord {
  const factors = { small: 1.15, large: 0.77, mixed: 0.92 }
  const rows = [0, 1, 2].flatMap((round) =>
    (['small', 'large', 'mixed'] as const).flatMap((workload) =>
      (['errqueue-recvmsg', 'uring', 'auto'] as const).flatMap((backend) =>
        (backend === 'auto' ? [10_240] : [0, 10_240, null]).map((thresholdBytes): Row => {
          const us = 50 * (thresholdBytes === 0 ? factors[workload] : 1) * (1 + 0.01 * round)
          const times = { small: workload === 'large' ? null : quantiles(us), large: workload === 'small' ? null : quantiles(2 * us) }
          const variant = `${workload}, ${thresholdBytes === null ? 'never' : thresholdBytes === 0 ? 'always' : `from ${thresholdBytes}`}`
          const rpc = { workload, thresholdBytes, smallBytes: 2, largeBytes: 100_352, ...times }
          return row({
            variant,
            backend,
            level: 'writer',
            round,
            sends: 1_000,
            seconds: us / 1_000,
            sizeBytes: workload === 'small' ? 2 : 100_352,
            rpc,
          })
        }),
      ),
    ),
  )
  return syntheticRecord('rpc', rows, { startedAt: '2026-01-02T10:00:00.000Z' })
}

/** A made-up run of few and of many connections. */
export function syntheticConnections(): BenchRecord {
  const rows = [0, 1, 2].flatMap((round) =>
    [1, 10, 100, 1_000, 10_000].flatMap((connections) =>
      BACKENDS.flatMap((backend, at) =>
        (backend === 'auto' ? (['writer'] as const) : (['driver', 'writer'] as const)).map((level): Row => {
          const us = (10 + at) * (1 + 0.2 * Math.log10(connections)) * (1 + 0.01 * round)
          return row({ backend, level, round, connections, sizeBytes: 16_384, cpuUserUs: 0, cpuSystemUs: Math.round(us * 1_000) })
        }),
      ),
    ),
  )
  return syntheticRecord('connections', rows, { startedAt: '2026-01-02T11:00:00.000Z' })
}
