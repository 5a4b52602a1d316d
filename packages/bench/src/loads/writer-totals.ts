import type { WriterStats } from '@sendzc/core'
import { BenchFailure, ExitStatus } from '../cli/failure.js'
import type { LoadTotals } from './load.js'

/** Counters of a load that drives one writer: what the load counted itself, and what the writer did for it. */
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

/** @throws BenchFailure where a writer has given up any memory: a measurement of that says nothing */
export function refuseAbandoned(buffers: number): void {
  if (buffers > 0)
    throw new BenchFailure(`The writer abandoned ${buffers} buffers: the kernel never reported them as released.`, ExitStatus.Failed)
}
