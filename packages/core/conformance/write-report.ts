import type { Backend } from '../src/driver/driver.js'
import type { ReleaseOutcome } from '../src/errors.js'
import { openWriter } from '../src/open/open-writer.js'
import type { WriterOptions } from '../src/open/options.js'
import type { WriterStats } from '../src/writer.js'
import { WaitTimeout } from './bounded.js'
import { assertContent, content } from './content.js'
import { DriverWitness } from './driver-witness.js'
import { tcpPairs, udpPairs } from './loopback-pairs.js'
import { activeResources, descriptorCount, descriptorsGrown, resourcesGrown } from './open-handles.js'
import type { ConnectedPair } from './peers.js'
import { ObservedWrite } from './write-ledger.js'

/** Writes over a loopback pair, for a process that was put into some trouble beforehand: a limit, a sandbox, an injected fault. */
export interface WriteTask {
  transport: 'tcp4' | 'tcp6' | 'udp4' | 'udp6'
  writes: number
  bytes: number
  /** Waits for each write's release before the next. */
  oneAtATime?: boolean
  /** Streams: the peer reads nothing until every write was given to the writer and the event loop has turned. */
  peerPaused?: boolean
  /** Streams: the peer resets the connection then, instead of reading. */
  peerResets?: boolean
  writerOptions?: WriterOptions
}

/** What an error said. */
export interface ErrorReport {
  code: string
  errno: string | undefined
  syscall: string | undefined
  remedy: string | undefined
  message: string
}

/** How one write went. `pending`, or no outcome after `sent`, means that a promise never settled. */
export interface WriteEnd {
  state: ObservedWrite['state']
  /** How often the write settled, and its `released`: once each. */
  settled: number
  released: number
  error: ErrorReport | undefined
  outcome: ReleaseOutcome | undefined
}

/** What came of a {@link WriteTask}. */
export interface WriteReport {
  /** Set where no writer could be opened. */
  openError?: ErrorReport
  writes: WriteEnd[]
  /** What is wrong with the bytes that arrived of the writes that were sent; undefined: nothing. */
  contentError: string | undefined
  /** Where driver or writer broke their contract with each other. */
  violations: string[]
  /** Codes of the warnings that the process emitted. */
  warnings: string[]
  stats: WriterStats | undefined
  /** What is still there when the writer is closed, beyond what was there before and what the backend keeps. */
  left: { handles: string[]; descriptors: number; pinnedBytes: number }
}

const OPEN_PAIR = {
  tcp4: tcpPairs('127.0.0.1'),
  tcp6: tcpPairs('::1'),
  udp4: udpPairs('127.0.0.1'),
  udp6: udpPairs('::1'),
} as const

function reportError(error: unknown): ErrorReport {
  const { code = '', errno, syscall, remedy, message } = error as Error & Partial<ErrorReport>
  return { code, errno, syscall, remedy, message }
}

/**
 * Runs `task`, and says of every promise how often it settled, of every byte whether it arrived, and of everything opened whether it is gone.
 * @param backend - made anew by the caller
 * @param pinnedBytes - bytes that the backend keeps pinned in this process
 * @param keptDescriptors - those that the backend opens once for the environment and keeps
 */
export async function reportWrites(
  task: WriteTask,
  backend: Backend,
  pinnedBytes: () => number,
  keptDescriptors = 0,
): Promise<WriteReport> {
  const warnings: string[] = []
  process.on('warning', (warning) => warnings.push((warning as { code?: string }).code ?? warning.name))
  const witness = new DriverWitness(backend)
  const report: WriteReport = {
    writes: [],
    contentError: undefined,
    violations: witness.violations,
    warnings,
    stats: undefined,
    left: { handles: [], descriptors: 0, pinnedBytes: 0 },
  }
  // Once without measuring: what is made once and kept is made here.
  await (await OPEN_PAIR[task.transport]()).dispose()
  const before = { resources: activeResources(), descriptors: descriptorCount(), pinnedBytes: pinnedBytes() }
  const pair = await OPEN_PAIR[task.transport]()
  await runWrites(task, pair, witness, report)
  await pair.dispose()
  if (witness.openDrivers > 0 && witness.armed !== 0) witness.violations.push('writer: armed after close')
  report.left = {
    handles: await resourcesGrown(before.resources),
    descriptors: await descriptorsGrown(before.descriptors + keptDescriptors),
    pinnedBytes: pinnedBytes() - before.pinnedBytes,
  }
  return report
}

async function runWrites(task: WriteTask, pair: ConnectedPair, backend: Backend, report: WriteReport): Promise<void> {
  const { transport, oneAtATime, peerPaused, peerResets, writerOptions } = task
  const stream = transport.startsWith('tcp')
  if (peerPaused) pair.peer.pause()
  let writer: Awaited<ReturnType<typeof openWriter>>
  try {
    writer = await openWriter(pair.target as Parameters<typeof openWriter>[0], { ...writerOptions, backend })
  } catch (error) {
    report.openError = reportError(error)
    return
  }
  const observed: ObservedWrite[] = []
  const arrived: Promise<string | undefined>[] = []
  for (let index = 0; index < task.writes; index++) {
    const { write, end } = observe(writer.write(content(task.bytes, index * task.bytes)))
    observed.push(write)
    report.writes.push(end)
    if (!stream) arrived.push(datagramArrived(pair, write, index * task.bytes))
    if (oneAtATime) await write.released
  }
  for (let turn = 0; turn < 10; turn++) await new Promise((resolve) => setImmediate(resolve))
  if (peerResets) pair.peer.reset()
  else if (peerPaused) pair.peer.resume()
  await Promise.all(observed.map(({ released }) => released))
  report.contentError = stream
    ? await streamArrived(pair, observed, task)
    : (await Promise.all(arrived)).find((error) => error !== undefined)
  await writer.close().catch((error: unknown) => report.violations.push(`close: ${String(error)}`))
  report.stats = writer.stats()
  for (const [index, { state, error, outcome }] of observed.entries()) {
    Object.assign(report.writes[index] as WriteEnd, { state, outcome, error: error === undefined ? undefined : reportError(error) })
  }
}

/** Counts how often each of the two promises of a write settles. */
function observe(promise: ReturnType<Awaited<ReturnType<typeof openWriter>>['write']>): { write: ObservedWrite; end: WriteEnd } {
  const end: WriteEnd = { state: 'pending', settled: 0, released: 0, error: undefined, outcome: undefined }
  const count = (): unknown => end.settled++
  promise.then(count, count)
  return { write: new ObservedWrite(promise, () => end.released++), end }
}

/** After a failure on a stream it is not known how much arrives, only that what does is right. */
async function streamArrived(pair: ConnectedPair, writes: readonly ObservedWrite[], { bytes }: WriteTask): Promise<string | undefined> {
  const failed = writes.some(({ state }) => state === 'failed')
  const expected = failed ? pair.peer.unreadBytes : writes.length * bytes
  return contentError(pair.peer.read(expected), 0, 'stream')
}

async function datagramArrived(pair: ConnectedPair, write: ObservedWrite, position: number): Promise<string | undefined> {
  await write.settled
  return write.state === 'sent' ? contentError(pair.peer.readDatagram(), position, 'datagram') : undefined
}

async function contentError(reading: Promise<Uint8Array>, position: number, what: string): Promise<string | undefined> {
  try {
    assertContent(await reading, position, what)
    return undefined
  } catch (error) {
    return error instanceof WaitTimeout ? `timeout: ${error.message}` : (error as Error).message
  }
}
