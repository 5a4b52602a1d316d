// A thread pins memory at a peer that reads nothing, and the main thread writes through the transparent mode, under a limit for the whole process.
import { once } from 'node:events'
import { setTimeout as pause } from 'node:timers/promises'
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads'
import { tcpPairs } from '@sendzc/core/conformance'
import { bounded } from '@sendzc/core/fixtures'
import { type Backend, errqueue, openWriter, uring, zeroCopy, zeroCopyStats } from '../../src/index.js'

/** Bytes that the thread has pinned while the main thread writes. */
const PINNED_BYTES = 4_000_000
/** Bytes that the sockets of the process may share. */
const LIMIT_BYTES = 2_000_000
const CHUNK_BYTES = 500_000
/** Longer than a look at the memory of the process holds (LOOK_EVERY_MS of process-memory.ts). */
const LOOK_HOLDS_MS = 20
const BACKENDS: Record<string, () => Backend> = { errqueue, uring }

/** What the main thread's writes did. */
export interface PinningEnd {
  backend: string
  /** Shared writes before the thread began, while it had pinned the memory, and after it had ended. */
  shared: [number, number, number]
  /** Writes that took Node's own path for want of memory, while the thread had pinned it. */
  refused: number
}

async function pin(name: string): Promise<void> {
  const pair = await tcpPairs('127.0.0.1')()
  pair.peer.pause()
  const writer = await openWriter(pair.target as Parameters<typeof openWriter>[0], {
    backend: (BACKENDS[name] as () => Backend)(),
    minZerocopyBytes: 0,
  })
  writer.write(new Uint8Array(PINNED_BYTES)).catch(() => undefined)
  await new Promise(setImmediate)
  parentPort?.postMessage('pinned')
  await once(parentPort as NonNullable<typeof parentPort>, 'message')
  await writer.abort()
  await pair.dispose()
  parentPort?.postMessage('released')
}

async function write(name: string): Promise<PinningEnd> {
  const pair = await tcpPairs('127.0.0.1')()
  const socket = pair.target as import('node:net').Socket
  zeroCopy(socket, { backend: (BACKENDS[name] as () => Backend)(), demoteAfterCopied: 0, maxPinnedBytes: LIMIT_BYTES })
  const sharedByOne = async (): Promise<number> => {
    await pause(LOOK_HOLDS_MS)
    const before = zeroCopyStats().sharedWrites
    // Its callback comes when the chunk may be used again.
    const written = new Promise((resolve) => socket.write(new Uint8Array(CHUNK_BYTES), resolve))
    await pair.peer.read(CHUNK_BYTES)
    await bounded(written, 'callback')
    return zeroCopyStats().sharedWrites - before
  }
  const first = await sharedByOne()
  const worker = new Worker(process.argv[1] as string, { workerData: name })
  const ended = once(worker, 'exit')
  await bounded(once(worker, 'message'), 'memory of the thread')
  const { memory, pinned } = zeroCopyStats().ownPath
  const second = await sharedByOne()
  const after = zeroCopyStats().ownPath
  worker.postMessage('release')
  await bounded(once(worker, 'message'), 'release of the thread')
  await bounded(ended, 'end of the thread')
  const third = await sharedByOne()
  await pair.dispose()
  return { backend: name, shared: [first, second, third], refused: after.memory - memory + (after.pinned - pinned) }
}

if (isMainThread) {
  const ends: PinningEnd[] = []
  for (const name of Object.keys(BACKENDS)) ends.push(await write(name))
  console.log(JSON.stringify(ends))
} else {
  await pin(workerData as string)
}
