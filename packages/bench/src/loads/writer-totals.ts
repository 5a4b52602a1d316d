import type { WriterStats } from '@sendzc/core'
import { BenchFailure, ExitStatus } from '../cli/failure.js'
import type { LoadTotals } from './load.js'

/** Counters of a load that drives one writer: the load's own, and those of the writer. */
export function writerTotals({ sends, bytes }: Pick<LoadTotals, 'sends' | 'bytes'>, stats: WriterStats): LoadTotals {
  return {
    sends,
    bytes,
    messages: stats.sends,
    zerocopySends: stats.zerocopySends,
    copiedSends: stats.copiedSends,
    partialSends: 0,
    fullSockets: 0,
    noBuffers: stats.copies.limit,
    driver: stats.driver,
  }
}

/** @throws BenchFailure where a writer has abandoned memory: such a measurement means nothing */
export function refuseAbandoned(buffers: number): void {
  if (buffers > 0)
    throw new BenchFailure(`The writer abandoned ${buffers} buffers: the kernel never reported them as released.`, ExitStatus.Failed)
}
