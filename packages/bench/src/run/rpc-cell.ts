import { Socket } from 'node:net'
import { AUTO_DEFAULTS, openWriter } from '@sendzc/core'
import { openSocket } from '@sendzc/socket'
import { type BackendLabel, familyOf, type OwnCell } from '../cells/cell.js'
import type { Turn } from '../cells/turn.js'
import { congestionOption, type Destination, destinationOf } from '../ends/connect.js'
import type { SocketSettings } from '../ends/socket-settings.js'
import { latencyQuantilesOf } from '../loads/open-loop.js'
import { writerTotals } from '../loads/writer-totals.js'
import { backendFor } from '../machine/backends.js'
import { seededRandom } from '../numbers/random.js'
import { type Row, RPC_WORKLOADS, type RpcWorkload } from '../record/record.js'
import { callFor } from '../rpc/rpc-calls.js'
import { RpcClient } from '../rpc/rpc-client.js'
import { measuredRow } from './measured-row.js'

/** Threshold of a writer that never asks for zero-copy, in bytes: above any request. */
const NEVER_BYTES = Number.MAX_SAFE_INTEGER

/** A workload under a policy. */
export interface RpcCell extends OwnCell {
  workload: RpcWorkload
  /** minZerocopyBytes of the writer; null = never. `auto` keeps its own. */
  thresholdBytes: number | null
  level: 'writer'
}

/** The parts of a plan of cells. */
interface RpcPlan {
  transports: readonly RpcCell['transport'][]
  thresholds: readonly RpcCell['thresholdBytes'][]
  /** Bytes of a small request, and of a large one. */
  small: number
  large: number
}

/** Every workload on every transport and path, under every policy. `auto` has its own. */
export function rpcCells(options: RpcPlan, backends: readonly BackendLabel[]): RpcCell[] {
  return options.transports.flatMap((transport) =>
    RPC_WORKLOADS.flatMap((workload) =>
      backends.flatMap((backend) => {
        const policies = backend === 'auto' ? [AUTO_DEFAULTS.minZerocopyBytes] : options.thresholds
        return policies.map((thresholdBytes): RpcCell => {
          const sizeBytes = workload === 'small' ? options.small : options.large
          const variant = `${workload}, zero-copy ${thresholdBytes === null ? 'never' : `from ${thresholdBytes} bytes`}`
          return { transport, backend, level: 'writer', interval: 1, sizeBytes, workload, thresholdBytes, variant }
        })
      }),
    ),
  )
}

/** Settings that the cells share. */
export interface RpcContext {
  destinations: ReadonlyMap<RpcCell['transport'], Destination>
  settings: SocketSettings
  /** Bytes of a request. */
  options: { small: number; large: number }
  seed: number
}

/** Measures such a cell once, over a connection of its own. */
export async function runCalls(cell: RpcCell, turn: Turn, context: RpcContext): Promise<Row> {
  const { host, port } = destinationOf(context, cell.transport)
  const opened = await openSocket({
    protocol: 'tcp',
    family: familyOf(cell.transport),
    host,
    port,
    noDelay: true,
    ...congestionOption(context.settings),
  })
  const socket = new Socket({ fd: opened.release() })
  try {
    const { backend, interval, thresholdBytes } = cell
    const policy = backend === 'auto' ? {} : { minZerocopyBytes: thresholdBytes ?? NEVER_BYTES }
    const writer = await openWriter(socket, { backend: backendFor(backend, interval), ...policy })
    const client = new RpcClient(socket, writer, context.options)
    const calls = await callFor(client, sizesOf(cell, turn.round, context), turn.runtimeMs)
    await client.drain()
    const stats = writer.stats()
    await client.close()
    const { us, large, ...measured } = calls
    const of = (wanted: boolean): number[] => us.filter((_, at) => large[at] === wanted)
    return {
      ...measuredRow(cell, turn, { ...measured, ...writerTotals(measured, stats) }),
      rpc: {
        workload: cell.workload,
        thresholdBytes,
        smallBytes: context.options.small,
        largeBytes: context.options.large,
        small: of(false).length === 0 ? null : latencyQuantilesOf(of(false)),
        large: of(true).length === 0 ? null : latencyQuantilesOf(of(true)),
      },
    }
  } finally {
    socket.destroy()
  }
}

/** True for each large request, without an end: the same for every path of a round. */
function* sizesOf({ workload }: RpcCell, round: number, { seed }: RpcContext): Generator<boolean, never> {
  const random = seededRandom(seed + round)
  for (;;) yield workload === 'mixed' ? random() < 0.5 : workload === 'large'
}
