import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { PerformanceObserver } from 'node:perf_hooks'
import { type BackendLabel, hasLevel, type OwnCell, TRANSPORTS, type Transport } from '../cells/cell.js'
import type { Command } from '../cli/command.js'
import { COMMON_OPTIONS, type OptionValues, parseCommandLine, read, withDefault } from '../cli/command-line.js'
import { BenchFailure, ExitStatus, type ExitStatusCode } from '../cli/failure.js'
import { connectTo } from '../ends/connect.js'
import { makePayload } from '../ends/payload.js'
import { openReceivers, type Receivers } from '../ends/receivers.js'
import { type SocketSettings, socketSettings } from '../ends/socket-settings.js'
import { DriverLoad } from '../loads/driver-load.js'
import { backendFor, probeBackends, selectBackends } from '../machine/backends.js'
import { chooseProcessors, pinSender } from '../machine/processors.js'
import { textTable } from '../tables/text-table.js'

const DEFAULTS = { sends: 1_000_000, sizeBytes: 1_024, interval: 8 } as const

/**
 * Young generation of the measuring process, in MiB: so large that nothing is collected while it sends, so that growth is all that
 * was allocated. Three semi-spaces of this size are reserved, not touched.
 */
const SEMI_SPACE_MIB = 512

/** Sends before the heap is first read: code is compiled and caches are filled by then. */
const WARMUP_SENDS = 100_000

/** Growth, in bytes per send, up to which a path counts as allocating nothing per send. */
const NOTHING_BYTES = 1

/** An object that a path makes for each send would take at least this, in bytes. */
const SMALLEST_OBJECT_BYTES = 12

/** What a wait of the benchmark's own may allocate, in bytes: promises, a timer, what the event loop makes. 1,300 to 2,400 were measured. */
const WAIT_BYTES = 4_096

/** Options of `bench heap`. */
export const HEAP_OPTIONS = {
  transports: { ...COMMON_OPTIONS.transports, help: 'default tcp4,udp4', schema: COMMON_OPTIONS.transports.schema.prefault('tcp4,udp4') },
  backends: COMMON_OPTIONS.backends,
  interval: {
    value: 'N',
    help: `messages per native call (default ${DEFAULTS.interval})`,
    schema: read.whole(1, 1_024).default(DEFAULTS.interval),
  },
  size: withDefault({ ...COMMON_OPTIONS.size, help: 'bytes of one send' }, DEFAULTS.sizeBytes),
  sends: { value: 'N', help: `sends per path (default ${DEFAULTS.sends})`, schema: read.whole(1, 1_000_000_000).default(DEFAULTS.sends) },
  cpus: COMMON_OPTIONS.cpus,
  congestion: COMMON_OPTIONS.congestion,
}

type HeapOptions = OptionValues<typeof HEAP_OPTIONS>

/** What sending did to the heap. */
export interface HeapGrowth {
  sends: number
  /** Bytes allocated while sending, and not collected meanwhile. */
  allocatedBytes: number
  /** Of those, what a full collection left. */
  retainedBytes: number
  /** Collections that ran while sending: above 0, `allocatedBytes` is only a lower bound. */
  collections: number
  /** Growth of memory outside the heap: external and ArrayBuffers. */
  externalBytes: number
  /** Times that the sender had to wait: each makes promises and mostly a timer of the benchmark's own. */
  waits: number
}

/**
 * Whether a path allocates nothing per send, whatever the benchmark's own waits allocate.
 * @returns a sentence that says what speaks against it; undefined where nothing does
 */
export function heapFault({ sends, allocatedBytes, retainedBytes, collections, waits }: HeapGrowth): string | undefined {
  const limitBytes = sends * NOTHING_BYTES + waits * WAIT_BYTES
  if (collections > 0) return `not judged: ${collections} collections ran; give fewer --sends`
  if (retainedBytes >= sends * NOTHING_BYTES) return `${(retainedBytes / sends).toFixed(2)} bytes are retained per send`
  if (allocatedBytes >= limitBytes) return `${(allocatedBytes / sends).toFixed(2)} bytes are allocated per send, with ${waits} waits`
  // Waits beyond this would hide an object per send.
  if (limitBytes >= sends * SMALLEST_OBJECT_BYTES) return `not judged: ${waits} waits in ${sends} sends are too many; give a smaller --size`
  return undefined
}

async function heap(args: readonly string[]): Promise<ExitStatusCode> {
  const options = parseCommandLine(args, HEAP_OPTIONS)
  const { gc } = globalThis
  if (gc === undefined) return rerunWithCollector(args)
  const { backends, notes } = selectBackends(options.backends, probeBackends())
  const processors = await chooseProcessors(options.cpus)
  const settings = await socketSettings(options.congestion)
  await using receivers = await openReceivers({ transports: options.transports, to: undefined, cpu: processors.receiver, settings })
  pinSender(processors)
  const body: string[][] = []
  const faults: string[] = []
  for (const transport of receivers.transports) {
    for (const backend of backends.filter((one) => hasLevel(one, 'driver'))) {
      process.stderr.write(`${transport} ${backend}: ${options.sends} sends\n`)
      const growth = await heapGrowth(cellOf(transport, backend, options), options.sends, receivers, settings, gc)
      body.push([transport, backend, ...growthCells(growth)])
      const fault = heapFault(growth)
      if (fault !== undefined) faults.push(`${transport} ${backend}: ${fault}.`)
    }
  }
  const lines = [
    `Heap growth over ${options.sends} driver-level sends of ${options.size} bytes, ${options.interval} per native call. No collection ran where collections = 0.`,
    '',
    ...textTable(['transport', 'path', 'allocated B/send', 'retained B/send', 'collections', 'external B', 'waits', 'allocated B'], body, [
      'left',
      'left',
    ]),
    '',
    ...notes,
    ...(faults.length > 0
      ? faults
      : [`Nothing is allocated per send (less than ${NOTHING_BYTES} byte each, and ${WAIT_BYTES} for each wait of the benchmark's own).`]),
  ]
  process.stdout.write(`${lines.join('\n')}\n`)
  return faults.length === 0 ? ExitStatus.Ok : ExitStatus.Failed
}

function cellOf(transport: Transport, backend: BackendLabel, { interval, size }: HeapOptions): OwnCell {
  return { transport, backend, level: 'driver', interval, sizeBytes: size }
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

async function heapGrowth(
  cell: OwnCell,
  sends: number,
  receivers: Receivers,
  settings: SocketSettings,
  gc: () => void,
): Promise<HeapGrowth> {
  const destination = receivers.destinations.get(cell.transport)
  if (destination === undefined) throw new TypeError(`No receiver for ${cell.transport}; known are ${TRANSPORTS.join(', ')}.`)
  using socket = await connectTo(cell.transport, destination, settings, true)
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
    return {
      sends: totals.sends - sendsBefore,
      allocatedBytes: after.heapUsed - before.heapUsed,
      retainedBytes: settled.heapUsed - before.heapUsed,
      collections,
      externalBytes: after.external + after.arrayBuffers - before.external - before.arrayBuffers,
      waits: load.waits - waitsBefore,
    }
  } finally {
    observer.disconnect()
    await load.close()
  }
}

/** V8 sizes its heap once, at the start, so the measuring happens in a process that was started for it. */
async function rerunWithCollector(args: readonly string[]): Promise<ExitStatusCode> {
  const program = process.argv[1]
  if (program === undefined) throw new BenchFailure('bench heap must be started as a program.')
  const flags = ['--expose-gc', `--min-semi-space-size=${SEMI_SPACE_MIB}`, `--max-semi-space-size=${SEMI_SPACE_MIB}`]
  const child = spawn(process.execPath, [...flags, program, 'heap', ...args], { stdio: 'inherit' })
  const [code] = (await once(child, 'exit')) as [number | null]
  return code === ExitStatus.Ok ? ExitStatus.Ok : code === ExitStatus.Usage ? ExitStatus.Usage : ExitStatus.Failed
}

/** `bench heap`. */
export const heapCommand: Command = {
  about: 'Sends at the driver level and shows what that allocates on the JavaScript heap, per send.',
  options: HEAP_OPTIONS,
  run: heap,
}
