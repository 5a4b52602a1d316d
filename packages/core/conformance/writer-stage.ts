import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { isMainThread, parentPort, type Worker, workerData } from 'node:worker_threads'
import type { Backend } from '../src/driver/driver.js'
import { openWriter } from '../src/open/open-writer.js'
import { bounded, quietTurns } from './bounded.js'
import { assertContent, content, pressGarbageCollector } from './content.js'
import { DriverSession } from './driver/session.js'
import { descriptorOf, tcpPairs } from './loopback-pairs.js'
import { activeResources, descriptorCount, descriptorsGrown, resourcesGrown } from './open-handles.js'

/**
 * Where a thread or a process with a writer may end: `write()` was called and its task has not run; sent and not released; waiting for
 * room, the peer reads nothing; within `close()`; within `abort()`.
 */
export const WRITER_STAGES = ['called', 'sent', 'waiting', 'closing', 'aborting'] as const
export type WriterStage = (typeof WRITER_STAGES)[number]
/** The stage at which a process ends by itself: a send is in flight, and a driver that is not armed keeps no event loop alive. */
export const LEFT_IN_FLIGHT = 'left in flight' as const
/** Where a process may end. */
export type ProcessStage = WriterStage | typeof LEFT_IN_FLIGHT

/** The task of a child of {@link runWriterStage}. */
export interface WriterStageTask {
  /** Where the thread or process ends. */
  stage: ProcessStage
  /** One of the names that it was given. */
  backend: string
  /** For a worker: a connected socket of its process. */
  fd?: number
  /** For a process: where to connect to. */
  port?: number
}

/** Exit status of a process that reached its stage. */
export const WRITER_STAGE_STATUS = 7

/** The findings about a child that ended at a stage. */
export interface WriterStageEnd {
  /** The fault in the bytes that arrived; undefined where they are the first bytes that were written, as many as the stage allows. */
  arrivalError: string | undefined
  /** Resources that the main thread has more of than before. */
  left: { handles: string[]; descriptors: number }
}

/** Bytes of one write. */
const WRITE_BYTES = 500_000
/** Writes that together exceed the memory of both ends of a connection. */
const STALLING_WRITES = 40
const CHILD_MS = 60_000

/**
 * Ends the child at its stage. A process reports how many bytes the kernel has taken, and exits. A worker reports that it is there; its starter
 * ends it, in the midst of its code or of its event loop.
 */
function reached({ stage }: WriterStageTask, sentBytes: number, inEventLoop: boolean): void {
  pressGarbageCollector()
  if (isMainThread) {
    // Synchronously, since it is a pipe.
    process.stdout.write(String(sentBytes))
    process.exit(WRITER_STAGE_STATUS)
  }
  parentPort?.postMessage(stage)
  if (!inEventLoop) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)
}

/** The whole of a child, a worker or a process, that goes to a stage of a write and ends there. */
export async function runWriterStage(backends: Readonly<Record<string, () => Backend>>): Promise<void> {
  const task = (isMainThread ? JSON.parse(process.argv[2] as string) : workerData) as WriterStageTask
  const make = backends[task.backend]
  if (make === undefined) throw new TypeError(`no backend is called ${task.backend}`)
  let socket: Socket | undefined
  if (task.port !== undefined) {
    socket = connect(task.port, '127.0.0.1')
    await once(socket, 'connect')
  }
  if (task.stage === LEFT_IN_FLIGHT) return leaveInFlight(socket as Socket, make())
  const writer = await openWriter(socket ?? { fd: task.fd as number }, { backend: make() })
  const { stage } = task
  const count = stage === 'called' || stage === 'sent' ? 1 : STALLING_WRITES
  const writes = Array.from({ length: count }, (_, index) => writer.write(content(WRITE_BYTES, index * WRITE_BYTES)))
  // In a child that nobody ends these promises reject.
  for (const write of writes) write.catch(() => undefined)
  if (stage === 'called') reached(task, 0, false)
  if (stage === 'sent') {
    await writes[0]
    reached(task, WRITE_BYTES, false)
  }
  await quietTurns()
  const { queuedBytes } = writer.stats()
  if (queuedBytes === 0) throw new Error('nothing waits for room')
  if (stage === 'closing') {
    writer.close().catch(() => undefined)
    await quietTurns()
  }
  if (stage === 'aborting') writer.abort().catch(() => undefined)
  // An aborted connection throws its bytes away.
  reached(task, stage === 'aborting' ? 0 : count * WRITE_BYTES - queuedBytes, stage !== 'aborting')
}

async function leaveInFlight(socket: Socket, backend: Backend): Promise<void> {
  const session = new DriverSession(backend, descriptorOf(socket), 1)
  const reports = session.submit([{ segments: [content(WRITE_BYTES)], zerocopy: true }])
  await session.answered(reports)
  if (session.driver.zerocopy && session.inFlight === 0) throw new Error('nothing is in flight')
  session.forgetMemory()
  pressGarbageCollector()
  socket.unref()
  // An application may do so: the orderly end of the environment must not depend on it.
  process.removeAllListeners('exit')
  process.stdout.write(String(reports[0]?.result))
  process.exitCode = WRITER_STAGE_STATUS
}

/** At these stages the kernel has got no byte, or was told to throw the bytes away. */
const MAY_ARRIVE_NOT: readonly ProcessStage[] = ['called', 'aborting']

function arrivalErrorOf(stage: ProcessStage, arrived: Buffer): string | undefined {
  const bytes = arrived.byteLength
  if (stage === 'called' && bytes > 0) return `${bytes} bytes arrived of a write whose task did not run`
  if (bytes === 0 && !MAY_ARRIVE_NOT.includes(stage)) return 'nothing arrived'
  try {
    assertContent(arrived, 0, 'stream')
    return undefined
  } catch (error) {
    return (error as Error).message
  }
}

/**
 * Terminates a worker at a stage, and checks the bytes that arrived and the resources that are left.
 * @param aborts - whether the connection has to end with the worker, so that the kernel lets go of what it shares
 */
export async function terminateAtStage(
  task: Pick<WriterStageTask, 'stage' | 'backend'>,
  startWorker: (task: WriterStageTask) => Worker | Promise<Worker>,
  aborts: boolean,
): Promise<WriterStageEnd & { status: number }> {
  // The first run is not measured: it makes objects that stay for the life of the process.
  await (await tcpPairs('127.0.0.1')()).dispose()
  const before = { resources: activeResources(), descriptors: descriptorCount() }
  const pair = await tcpPairs('127.0.0.1')()
  pair.peer.pause()
  const worker = await startWorker({ ...task, fd: pair.fd })
  const [stage] = (await bounded(once(worker, 'message'), `stage ${task.stage}`, CHILD_MS)) as [WriterStage]
  if (stage !== task.stage) throw new Error(`reached ${stage}`)
  const status = await bounded(worker.terminate(), 'end of the worker')
  pair.peer.resume()
  await quietTurns()
  const bytes = await pair.peer.read(pair.peer.unreadBytes)
  // Not before the bytes are read: a reset comes behind them.
  if (aborts) await bounded(pair.peer.ended, 'end of the connection')
  await pair.dispose()
  const left = { handles: await resourcesGrown(before.resources), descriptors: await descriptorsGrown(before.descriptors) }
  return { status, arrivalError: arrivalErrorOf(stage, Buffer.from(bytes)), left }
}

/** Has a process end at a stage, checks the bytes that arrived, and counts the sent bytes that did not. */
export async function exitAtStage<End extends { stdout: string }>(
  task: Pick<WriterStageTask, 'stage' | 'backend'>,
  runChild: (task: WriterStageTask) => Promise<End>,
): Promise<Omit<WriterStageEnd, 'left'> & { end: End; missingBytes: number }> {
  const server = createServer({ pauseOnConnect: true }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const connected = once(server, 'connection') as Promise<[Socket]>
  const end = await runChild({ ...task, port: (server.address() as AddressInfo).port })
  const [socket] = await bounded(connected, 'connection')
  const chunks: Buffer[] = []
  socket.on('data', (chunk: Buffer) => chunks.push(chunk))
  // A process that exits may reset its connection: the bytes before the reset count.
  socket.on('error', () => undefined)
  // Not once(), which such an error would reject.
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()))
  socket.resume()
  await bounded(closed, 'end of the connection')
  server.close()
  const arrived = Buffer.concat(chunks)
  return {
    end,
    arrivalError: arrivalErrorOf(task.stage, arrived),
    missingBytes: Math.max(0, Number(end.stdout) - arrived.byteLength),
  }
}
