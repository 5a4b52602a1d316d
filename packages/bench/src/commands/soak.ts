import { setTimeout as delay, setImmediate as nextLoopTurn } from 'node:timers/promises'
import { openWriter } from '@sendzc/core'
import type { OpenSocket, Receiver } from '@sendzc/socket'
import type { BackendLabel, Transport } from '../cells/cell.js'
import type { Command } from '../cli/command.js'
import { COMMON_OPTIONS, parseCommandLine, read } from '../cli/command-line.js'
import { BenchFailure, ExitStatus, type ExitStatusCode } from '../cli/failure.js'
import { Interrupt } from '../cli/interrupt.js'
import { duration, Progress } from '../cli/progress.js'
import { connectTo } from '../ends/connect.js'
import { openReceivers } from '../ends/receivers.js'
import { socketSettings } from '../ends/socket-settings.js'
import { WriterLoad } from '../loads/writer-load.js'
import { backendFor, probeBackends, selectBackends } from '../machine/backends.js'
import { chooseProcessors, pinSender } from '../machine/processors.js'
import { median } from '../numbers/statistics.js'
import { thresholdFor } from '../run/cell-runner.js'
import { textTable } from '../tables/text-table.js'

const DEFAULTS = { minutes: 10, stallMs: 2_000, sizeBytes: 65_000, interval: 8 } as const

/** Time between two samples of the resident memory, in ms. */
const SAMPLE_MS = 1_000

/** Least length of a soak, in samples: a quarter of them must be more than a handful. */
const LEAST_SAMPLES = 20

/** Growth of the resident memory, in bytes, up to which it counts as flat: the allocator's own granularity. */
const FLAT_BYTES = 4_194_304

/** Writes between two looks at whether the soak is over. */
const WRITES_PER_LOOK = 64

/** Options of `bench soak`. */
export const SOAK_OPTIONS = {
  transports: { ...COMMON_OPTIONS.transports, help: 'default tcp4', schema: COMMON_OPTIONS.transports.schema.prefault('tcp4') },
  backends: COMMON_OPTIONS.backends,
  minutes: { value: 'N', help: `how long (default ${DEFAULTS.minutes})`, schema: read.whole(1, 1_440).default(DEFAULTS.minutes) },
  'stall-ms': {
    value: 'MS',
    help: `the peer stalls this long, then reads this long (default ${DEFAULTS.stallMs})`,
    schema: read.whole(10, 5_000).default(DEFAULTS.stallMs),
  },
  size: {
    ...COMMON_OPTIONS.size,
    help: `bytes of one write (default ${DEFAULTS.sizeBytes})`,
    schema: COMMON_OPTIONS.size.schema.prefault(String(DEFAULTS.sizeBytes)),
  },
  cpus: COMMON_OPTIONS.cpus,
  congestion: COMMON_OPTIONS.congestion,
}

/** One writer of the soak. */
interface Sender {
  transport: Transport
  backend: BackendLabel
  socket: OpenSocket
  load: WriterLoad
}

async function soak(args: readonly string[]): Promise<ExitStatusCode> {
  const options = parseCommandLine(args, SOAK_OPTIONS)
  const { backends, notes } = selectBackends(options.backends, probeBackends())
  const processors = await chooseProcessors(options.cpus)
  const settings = await socketSettings(options.congestion)
  await using receivers = await openReceivers({ transports: options.transports, to: undefined, cpu: processors.receiver, settings })
  pinSender(processors)
  const senders: Sender[] = []
  try {
    for (const transport of receivers.transports) {
      for (const backend of backends) {
        const socket = await connectTo(transport, receivers.destinations.get(transport) ?? { host: '', port: 0 }, settings, true)
        const writer = await openWriter(socket.fd, { backend: backendFor(backend, DEFAULTS.interval), ...thresholdFor(backend) })
        senders.push({ transport, backend, socket, load: new WriterLoad({ writer, interval: DEFAULTS.interval, sizeBytes: options.size }) })
      }
    }
    const peers = receivers.transports.map((transport) => receivers.processOf(transport)).filter((peer) => peer !== undefined)
    const samples = await sendThroughStalls(senders, peers, options.minutes * 60_000, options['stall-ms'])
    process.stdout.write(`${[...report(samples, senders), ...notes, ''].join('\n')}`)
    return flatness(samples) <= FLAT_BYTES ? ExitStatus.Ok : ExitStatus.Failed
  } finally {
    for (const { socket } of senders) socket.close()
  }
}

/** Sends on all writers while the peers stall and resume, and samples the resident memory. */
async function sendThroughStalls(
  senders: readonly Sender[],
  peers: readonly Receiver[],
  lengthMs: number,
  stallMs: number,
): Promise<number[]> {
  using interrupt = new Interrupt()
  const progress = new Progress(lengthMs)
  const endMs = performance.now() + lengthMs
  const over = (): boolean => performance.now() >= endMs || interrupt.requested
  const samples: number[] = []
  const sending = Promise.all(
    senders.map(async ({ load }) => {
      while (!over()) {
        await load.run(WRITES_PER_LOOK)
        // A writer that never has to wait would keep the event loop from the others.
        await nextLoopTurn()
      }
      await load.drain()
      await load.close()
    }),
  )
  const stalling = async (): Promise<void> => {
    while (!over()) {
      await Promise.all(peers.map((peer) => peer.pause()))
      await delay(stallMs)
      await Promise.all(peers.map((peer) => peer.resume()))
      await delay(stallMs)
    }
  }
  const sampling = async (): Promise<void> => {
    while (!over()) {
      await delay(SAMPLE_MS)
      samples.push(process.memoryUsage.rss())
      progress.advance(SAMPLE_MS, `resident memory ${megabytes(samples.at(-1) ?? 0)} MB`)
    }
  }
  await Promise.all([sending, stalling(), sampling()])
  progress.finish()
  if (samples.length < LEAST_SAMPLES)
    throw new BenchFailure(`Interrupted after ${samples.length} s: too short to say anything.`, ExitStatus.Interrupted)
  return samples
}

/** Bytes by which the last quarter's median lies above the second quarter's: the first one is still filling caches. */
export function flatness(samples: readonly number[]): number {
  const quarter = Math.floor(samples.length / 4)
  return median(samples.slice(-quarter)) - median(samples.slice(quarter, 2 * quarter))
}

function report(samples: readonly number[], senders: readonly Sender[]): string[] {
  const body = senders.map(({ transport, backend, load }) => {
    const { sends, bytes, zerocopySends, copiedSends } = load.totals()
    const told = zerocopySends + copiedSends
    return [transport, backend, String(sends), (bytes / 1e9).toFixed(1), told === 0 ? '-' : `${((copiedSends / told) * 100).toFixed(1)}%`]
  })
  const tenth = Math.max(1, Math.floor(samples.length / 10))
  const course = samples.filter((_, at) => at % tenth === 0).map(megabytes)
  const growth = flatness(samples)
  return [
    `${duration(samples.length * SAMPLE_MS)} of writing at peers that stall and resume, all paths in one process:`,
    '',
    ...textTable(['transport', 'path', 'writes', 'GB', 'copied'], body, ['left', 'left']),
    '',
    `Resident memory over the time, in MB: ${course.join(' ')}`,
    `Last quarter over second quarter: ${growth < 0 ? '' : '+'}${(growth / 1_024).toFixed(0)} KiB (${growth <= FLAT_BYTES ? 'flat' : `NOT flat: above ${FLAT_BYTES / 1_048_576} MiB`})`,
  ]
}

function megabytes(bytes: number): string {
  return (bytes / 1e6).toFixed(1)
}

/** `bench soak`. */
export const soakCommand: Command = {
  about: 'Writes on every path at once to peers that stall and resume, and shows that the resident memory stays flat.',
  options: SOAK_OPTIONS,
  run: soak,
}
