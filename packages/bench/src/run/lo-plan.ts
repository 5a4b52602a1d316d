import { BenchFailure } from '../cli/failure.js'
import { type LoCell, type LoContext, refusal } from './lo-cell.js'
import type { LoEnds } from './lo-ends.js'
import type { Run } from './with-run.js'

/**
 * Every cell that this kernel can send, after one send of each.
 * @throws BenchFailure where there is none
 */
export async function loCells(
  options: { intervals: readonly number[]; size: number },
  { backends, record }: Run,
  ends: LoEnds,
  context: LoContext,
): Promise<LoCell[]> {
  const cells: LoCell[] = []
  for (const transport of ends.destinations.keys()) {
    for (const backend of backends) {
      const why = await refusal(transport, backend, context)
      if (why !== undefined) ends.leftOut.push({ transport, backend, why })
      else for (const interval of options.intervals) cells.push({ transport, backend, level: 'driver', interval, sizeBytes: options.size })
    }
  }
  const notes = ends.leftOut.map(
    ({ transport, backend, why }) => `Left out: ${transport}${backend === undefined ? '' : ` with ${backend}`}: ${why}`,
  )
  if (cells.length === 0) throw new BenchFailure(`There is nothing to measure. ${notes.join(' ')}`)
  record.note(...notes)
  return cells
}
