import type { Transport } from '../cells/cell.js'
import { textTable } from './text-table.js'

/** Growth up to which a path counts as allocating nothing per send, in bytes per send. */
const NOTHING_BYTES = 1

/** An object that a path makes for each send would take at least this, in bytes. */
const SMALLEST_OBJECT_BYTES = 12

/** Bytes that a wait of the benchmark itself may allocate: promises, a timer, objects of the event loop. 1,300 to 2,400 were measured. */
const WAIT_BYTES = 4_096

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

/** The growth of one path over one transport. */
export interface PathGrowth {
  transport: Transport
  backend: string
  growth: HeapGrowth
}

/** A sentence for each path that allocates; empty where none does. */
export function heapFaults(paths: readonly PathGrowth[]): string[] {
  return paths.flatMap(({ transport, backend, growth }) => {
    const fault = heapFault(growth)
    return fault === undefined ? [] : [`${transport} ${backend}: ${fault}.`]
  })
}

/** Sentence for a run without a {@link heapFault}. */
export const NOTHING_ALLOCATED = `Nothing is allocated per send (less than ${NOTHING_BYTES} byte each, and ${WAIT_BYTES} for each wait of the benchmark's own).`

/** A line per transport and path. */
export function heapTable(paths: readonly PathGrowth[]): string[] {
  const header = ['transport', 'path', 'allocated B/send', 'retained B/send', 'collections', 'external B', 'waits', 'allocated B']
  const body = paths.map(({ transport, backend, growth }) => [transport, backend, ...growthCells(growth)])
  return textTable(header, body, ['left', 'left'])
}

function growthCells({ sends, allocatedBytes, retainedBytes, collections, externalBytes, waits }: HeapGrowth): string[] {
  return [
    (allocatedBytes / sends).toFixed(3),
    (retainedBytes / sends).toFixed(3),
    String(collections),
    String(externalBytes),
    String(waits),
    String(allocatedBytes),
  ]
}
