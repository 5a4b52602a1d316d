import { BenchFailure } from '../cli/failure.js'
import { type BackendLabel, hasLevel, isStream, type Level, MAX_DATAGRAM_BYTES, type OwnCell, type Transport } from './cell.js'

/** The parts of a plan of cells. */
export interface CellPlan {
  transports: readonly Transport[]
  sizes: readonly number[]
  intervals: readonly number[]
  levels: readonly Level[]
}

/** Message for a plan without a cell. */
export const NO_CELL = 'auto has no driver level: leave --levels writer.'

/** Every combination of what was asked for. */
export function plannedCells({ transports, sizes, intervals, levels }: CellPlan, backends: readonly BackendLabel[]): OwnCell[] {
  return transports.flatMap((transport) =>
    sizes.flatMap((sizeBytes) =>
      intervals.flatMap((interval) =>
        levels.flatMap((level) =>
          backends
            .filter((backend) => hasLevel(backend, level))
            .map((backend): OwnCell => ({ transport, backend, level, interval, sizeBytes })),
        ),
      ),
    ),
  )
}

/** @throws BenchFailure where a plan has no cell */
export function checkPlan(cells: readonly unknown[]): void {
  if (cells.length === 0) throw new BenchFailure(NO_CELL)
}

/** Most bytes of one send on a transport. */
export function largestSend(transport: Transport): number {
  return isStream(transport) ? Number.POSITIVE_INFINITY : MAX_DATAGRAM_BYTES[transport as 'udp4' | 'udp6']
}

/** @throws BenchFailure when a datagram of this size cannot be sent */
export function checkDatagramSize(transports: readonly Transport[], sizeBytes: number): void {
  for (const transport of transports) {
    if (sizeBytes <= largestSend(transport)) continue
    throw new BenchFailure(
      `--size: ${sizeBytes} bytes do not fit one ${transport} datagram (at most ${largestSend(transport)}); leave it out of --transports.`,
    )
  }
}
