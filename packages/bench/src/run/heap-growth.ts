import { PerformanceObserver } from 'node:perf_hooks'
import { isStream, type OwnCell } from '../cells/cell.js'
import { connectTo, destinationOf } from '../ends/connect.js'
import { makePayload } from '../ends/payload.js'
import { DriverLoad } from '../loads/driver-load.js'
import { backendFor } from '../machine/backends.js'
import type { HeapGrowth } from '../tables/heap-table.js'
import type { CellContext } from './cell-runner.js'

/** Sends before the heap is first read: code is compiled and caches are filled by then. */
const WARMUP_SENDS = 100_000

/** Sends `sends` times at the driver level, over a connection of its own, and reads the heap before and after. */
export async function heapGrowth(cell: OwnCell, sends: number, context: CellContext, gc: () => void): Promise<HeapGrowth> {
  const { wire } = context
  if (wire === undefined) return (await growthOf(cell, sends, context, gc)).result
  const watched = await wire.watch(async () => {
    const { result, sentBytes } = await growthOf(cell, sends, context, gc)
    return { result, sent: isStream(cell.transport) ? { tcp: sentBytes } : { udp: sentBytes } }
  })
  return watched.result
}

async function growthOf(
  cell: OwnCell,
  sends: number,
  context: CellContext,
  gc: () => void,
): Promise<{ result: HeapGrowth; sentBytes: number }> {
  using socket = await connectTo(cell.transport, destinationOf(context, cell.transport), context.settings, true)
  const { interval, sizeBytes } = cell
  const load = new DriverLoad({ backend: backendFor(cell.backend, interval), fd: socket.fd, interval, payload: makePayload(sizeBytes) })
  const observer = new PerformanceObserver(() => undefined)
  try {
    await load.run(WARMUP_SENDS)
    await load.drain()
    const waitsBefore = load.waits
    gc()
    observer.observe({ entryTypes: ['gc'] })
    const before = process.memoryUsage()
    const sendsBefore = load.totals().sends
    await load.run(sends)
    const after = process.memoryUsage()
    const collections = observer.takeRecords().length
    observer.disconnect()
    await load.drain()
    gc()
    const settled = process.memoryUsage()
    const totals = load.totals()
    const result = {
      sends: totals.sends - sendsBefore,
      allocatedBytes: after.heapUsed - before.heapUsed,
      retainedBytes: settled.heapUsed - before.heapUsed,
      collections,
      externalBytes: after.external + after.arrayBuffers - before.external - before.arrayBuffers,
      waits: load.waits - waitsBefore,
    }
    return { result, sentBytes: totals.bytes }
  } finally {
    observer.disconnect()
    await load.close()
  }
}
