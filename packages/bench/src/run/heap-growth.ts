import { PerformanceObserver } from 'node:perf_hooks'
import { isStream, type OwnCell } from '../cells/cell.js'
import { connectTo, destinationOf } from '../ends/connect.js'
import { makePayload } from '../ends/payload.js'
import { DriverLoad } from '../loads/driver-load.js'
import { backendFor } from '../machine/backends.js'
import type { CellContext } from './cell-runner.js'

/** Sends before the heap is first read: code is compiled and caches are filled by then. */
const WARMUP_SENDS = 100_000

/** Growth up to which a path counts as allocating nothing per send, in bytes per send. */
export const NOTHING_BYTES = 1

/** An object that a path makes for each send would take at least this, in bytes. */
const SMALLEST_OBJECT_BYTES = 12

/** Bytes that a wait of the benchmark itself may allocate: promises, a timer, objects of the event loop. 1,300 to 2,400 were measured. */
export const WAIT_BYTES = 4_096

/** The growth of the heap while sending. */
export interface HeapGrowth {
  sends: number
  /** Bytes allocated while sending, and not collected meanwhile. */
  allocatedBytes: number
  /** Those of them that a full collection left. */
  retainedBytes: number
  /** Collections that ran while sending: above 0, `allocatedBytes` is only a lower bound. */
  collections: number
  /** Growth of memory outside the heap: external and ArrayBuffers. */
  externalBytes: number
  /** Times that the sender had to wait: each makes promises and mostly a timer of the benchmark's own. */
  waits: number
}

/**
 * Whether a path allocates nothing per send, apart from the waits of the benchmark itself.
 * @returns a sentence with the reason why not; undefined where the path allocates nothing
 */
export function heapFault({ sends, allocatedBytes, retainedBytes, collections, waits }: HeapGrowth): string | undefined {
  const limitBytes = sends * NOTHING_BYTES + waits * WAIT_BYTES
  if (collections > 0) return `not judged: ${collections} collections ran; give fewer --sends`
  if (retainedBytes >= sends * NOTHING_BYTES) return `${(retainedBytes / sends).toFixed(2)} bytes are retained per send`
  if (allocatedBytes >= limitBytes) return `${(allocatedBytes / sends).toFixed(2)} bytes are allocated per send, with ${waits} waits`
  // More waits than that would hide an object per send.
  if (limitBytes >= sends * SMALLEST_OBJECT_BYTES) return `not judged: ${waits} waits in ${sends} sends are too many; give a smaller --size`
  return undefined
}

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
