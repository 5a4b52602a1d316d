import { ZeroCopyError } from '@sendzc/core'
import { type OpenSocket, Receiver, type ReceiverReport } from '@sendzc/socket'
import {
  type AnyCell,
  type AnyTransport,
  BACKEND_GROUPS,
  BACKENDS,
  type BackendLabel,
  type IpTransport,
  isIpTransport,
  isStream,
  OTHER_TRANSPORTS,
  TRANSPORTS,
} from '../cells/cell.js'
import type { Command } from '../cli/command.js'
import { COMMON_OPTIONS, type OptionValues, read, withDefault } from '../cli/command-line.js'
import { BenchFailure, ExitStatus, type ExitStatusCode, messageOf } from '../cli/failure.js'
import type { Destination } from '../ends/connect.js'
import { loMessage, MAX_LO_MESSAGE_BYTES, MIN_LO_MESSAGE_BYTES, openLoSocket, startLoReceiver } from '../ends/lo-sockets.js'
import { resolveDestinations } from '../ends/receivers.js'
import { congestionText, type SocketSettings, socketSettings } from '../ends/socket-settings.js'
import { DriverLoad } from '../loads/driver-load.js'
import { backendFor, probeBackends, selectBackends } from '../machine/backends.js'
import { chooseProcessors, pinSender } from '../machine/processors.js'
import type { Row } from '../record/record.js'
import { measure } from '../run/measure.js'
import { measureRounds } from '../run/measure-rounds.js'
import { measuredRow } from '../run/measured-row.js'
import { RunRecord } from '../run/run-record.js'
import { readRequest } from '../run/run-request.js'
import type { TurnsOutcome } from '../run/turns.js'
import { type LeftOut, loTable } from '../tables/lo-table.js'

const LO_TRANSPORTS = [...TRANSPORTS, ...OTHER_TRANSPORTS] as const
const DRIVER_BACKENDS = BACKENDS.filter((backend) => backend !== 'auto')

const DEFAULTS = {
  transports: ['tcp4', 'udp4', ...OTHER_TRANSPORTS].join(','),
  remoteTransports: 'tcp4,udp4',
  backends: 'copy,errqueue-recvmsg',
  interval: '1',
  runtimeMs: 400,
  rounds: 5,
} as const

/** Connecting, awaiting what is on its way and closing, in ms; only the progress bar uses it. */
const OVERHEAD_MS = 40

/** Looks at a receiver that has not grown, before what is missing counts as lost. */
const IDLE_LOOKS = 20

/** Options of `bench lo`. */
export const LO_OPTIONS = {
  transports: {
    value: 'LIST',
    help: `out of ${LO_TRANSPORTS.join(',')} (default ${DEFAULTS.transports}; with --to ${DEFAULTS.remoteTransports}); raw4, raw-hdrincl4 and packet need CAP_NET_RAW`,
    schema: read.words(LO_TRANSPORTS).optional(),
  },
  backends: {
    value: 'LIST',
    help: `out of ${DRIVER_BACKENDS.join(',')}, and errqueue for both of its (default ${DEFAULTS.backends})`,
    schema: read.words(DRIVER_BACKENDS, BACKEND_GROUPS).prefault(DEFAULTS.backends),
  },
  intervals: withDefault({ ...COMMON_OPTIONS.intervals, help: 'sends between two collections of notifications' }, DEFAULTS.interval),
  size: { ...COMMON_OPTIONS.size, help: 'bytes of one send, headers that the sender writes included (default 65000)' },
  'runtime-ms': withDefault(COMMON_OPTIONS['runtime-ms'], DEFAULTS.runtimeMs),
  rounds: withDefault(COMMON_OPTIONS.rounds, DEFAULTS.rounds),
  json: COMMON_OPTIONS.json,
  resume: COMMON_OPTIONS.resume,
  to: { ...COMMON_OPTIONS.to, help: 'send to `bench serve` on another machine; packet and vsock stay on this one' },
  cpus: COMMON_OPTIONS.cpus,
  congestion: COMMON_OPTIONS.congestion,
  seed: COMMON_OPTIONS.seed,
}

type LoOptions = OptionValues<typeof LO_OPTIONS>

/** A cell over any transport, at the driver level. */
interface LoCell extends AnyCell {
  backend: BackendLabel
  level: 'driver'
}

/** The other end of each transport: a process of this machine, or one of another. */
class LoReceivers extends Map<AnyTransport, Receiver | Destination> implements AsyncDisposable {
  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.values()].map((receiver) => (isProcess(receiver) ? receiver[Symbol.asyncDispose]() : undefined)))
  }
}

/** Whether the other end can be asked what it received. */
function isProcess(receiver: Receiver | Destination): receiver is Receiver {
  return receiver instanceof Receiver
}

/** What the cells share. */
interface LoContext {
  receivers: ReadonlyMap<AnyTransport, Receiver | Destination>
  settings: SocketSettings
  runtimeMs: number
}

async function lo(args: readonly string[]): Promise<ExitStatusCode> {
  const request = await readRequest('lo', args, LO_OPTIONS)
  const { options } = request
  const { to } = options
  const usual = to === undefined ? DEFAULTS.transports : DEFAULTS.remoteTransports
  const transports = options.transports ?? read.words(LO_TRANSPORTS).parse(usual)
  checkSizes(transports, options.size)
  if (to !== undefined) checkReach(transports)
  const probes = probeBackends(DRIVER_BACKENDS)
  const { backends } = selectBackends(options.backends, probes)
  const processors = await chooseProcessors(options.cpus)
  const settings = await socketSettings(options.congestion)
  const run = await RunRecord.begin({
    request,
    options: { ...options, transports, ...settings },
    processors,
    remoteHost: to?.host ?? null,
    probes,
  })
  run.note(congestionText(settings))
  await using receivers = new LoReceivers()
  const leftOut: LeftOut[] = []
  const remote = to === undefined ? undefined : await resolveDestinations(transports.filter(isIpTransport), to)
  if (remote !== undefined) run.note(...remote.notes, 'Rx and dropped are not known here: the other machine receives.')
  for (const transport of remote?.destinations.keys() ?? transports) {
    const there = remote?.destinations.get(transport as IpTransport)
    const receiver = await reachable(transport, there, processors.receiver, settings, options.transports !== undefined)
    if (typeof receiver === 'string') leftOut.push({ transport, backend: undefined, why: receiver })
    else receivers.set(transport, receiver)
  }
  pinSender(processors)
  const context: LoContext = { receivers, settings, runtimeMs: options['runtime-ms'] }
  const cells: LoCell[] = []
  for (const transport of receivers.keys()) {
    for (const backend of backends) {
      const why = await refusal(transport, backend, context)
      if (why !== undefined) leftOut.push({ transport, backend, why })
      else for (const interval of options.intervals) cells.push({ transport, backend, level: 'driver', interval, sizeBytes: options.size })
    }
  }
  run.note(
    ...leftOut.map(({ transport, backend, why }) => `Left out: ${transport}${backend === undefined ? '' : ` with ${backend}`}: ${why}`),
  )
  if (cells.length === 0)
    throw new BenchFailure(`There is nothing to measure. ${run.notes.filter((note) => note.startsWith('Left out')).join(' ')}`)
  const outcome = await measureLo(cells, options, run, context)
  const path = await run.write(outcome.complete)
  const lines = [
    'Sends in one round, median over the rounds, and their megabytes (10^6): received, sent, and of the sent ones those whose notification came',
    '(txc). Tx over copy: throughput, median of the ratios paired by round, with its bootstrap 95 % interval; slides: theirs, on a loopback that',
    'did not copy at reception. Copied: share of the messages that the kernel copied. Flags: those of the slides’ snd_zerocopy_lo.',
    '',
    ...loTable(outcome.rows, leftOut),
    '',
    ...run.notes,
    `${options.rounds} rounds of ${options['runtime-ms']} ms per cell, ${options.size} bytes a send, headers that the sender writes included. Seed ${run.seed}.`,
    `Record: ${path}`,
  ]
  process.stdout.write(`${lines.join('\n')}\n`)
  return outcome.complete ? ExitStatus.Ok : ExitStatus.Interrupted
}

/** @throws BenchFailure for a size that a transport cannot carry */
function checkSizes(transports: readonly AnyTransport[], sizeBytes: number): void {
  for (const transport of transports) {
    const most = MAX_LO_MESSAGE_BYTES[transport]
    if (most !== undefined && sizeBytes > most)
      throw new BenchFailure(
        `--size: ${sizeBytes} bytes do not fit one ${transport} message (at most ${most}); leave it out of --transports.`,
      )
  }
  if (sizeBytes < MIN_LO_MESSAGE_BYTES)
    throw new BenchFailure(`--size: ${sizeBytes} bytes hold no header of RAW or PACKET (at least ${MIN_LO_MESSAGE_BYTES}).`)
}

/** @throws BenchFailure for a transport that ends on this machine */
function checkReach(transports: readonly AnyTransport[]): void {
  const near = transports.filter((transport) => !isIpTransport(transport))
  if (near.length > 0)
    throw new BenchFailure(`--to: ${near.join(' and ')} cannot reach another machine here; leave it out of --transports.`)
}

/**
 * Starts the other end, unless it is `there`, and connects to it once.
 * @param asked - by name: then what cannot be is a failure
 * @returns the receiver, or why this kernel does not have the transport
 * @throws BenchFailure without permission, whoever asked
 */
async function reachable(
  transport: AnyTransport,
  there: Destination | undefined,
  cpu: number | null,
  settings: SocketSettings,
  asked: boolean,
): Promise<Receiver | Destination | string> {
  let receiver: Receiver | undefined
  try {
    if (there === undefined) receiver = await startLoReceiver(transport, cpu, settings)
    const destination = receiver ?? (there as Destination)
    const socket = await openLoSocket(transport, destination, settings)
    socket.close()
    return destination
  } catch (error) {
    await receiver?.[Symbol.asyncDispose]()
    const why = messageOf(error)
    const permission = ZeroCopyError.is(error) && error.code === 'ERR_ZC_PERMISSION'
    if (asked || permission || !ZeroCopyError.is(error) || error.code !== 'ERR_ZC_UNSUPPORTED_SOCKET')
      throw new BenchFailure(`${transport}: ${why}${permission ? ` Or leave it out: --transports tcp4,udp4.` : ''}`, undefined, error)
    return why
  }
}

/** Why this kernel does not send on this transport in this way; undefined where it does. */
async function refusal(transport: AnyTransport, backend: BackendLabel, context: LoContext): Promise<string | undefined> {
  using socket = await openLoSocket(transport, receiverOf(context, transport), context.settings)
  try {
    const load = openLoLoad(socket, { backend, interval: 1, sizeBytes: MIN_LO_MESSAGE_BYTES })
    try {
      await load.run(1)
      await load.drain()
    } finally {
      await load.close()
    }
    return undefined
  } catch (error) {
    if (ZeroCopyError.is(error) && error.code === 'ERR_ZC_UNSUPPORTED_SOCKET') return messageOf(error)
    // io_uring takes the request and refuses it when it is executed.
    if (error instanceof BenchFailure && error.message.includes('EOPNOTSUPP'))
      return 'the protocol of this socket has no zero-copy (EOPNOTSUPP)'
    throw error
  }
}

function openLoLoad(socket: OpenSocket, { backend, interval, sizeBytes }: Pick<LoCell, 'backend' | 'interval' | 'sizeBytes'>): DriverLoad {
  return new DriverLoad({ backend: backendFor(backend, interval), fd: socket.fd, interval, payload: loMessage(socket, sizeBytes) })
}

function receiverOf({ receivers }: LoContext, transport: AnyTransport): Receiver | Destination {
  const receiver = receivers.get(transport)
  if (receiver === undefined) throw new TypeError(`No receiver for ${transport}.`)
  return receiver
}

async function measureLo(cells: readonly LoCell[], options: LoOptions, run: RunRecord, context: LoContext): Promise<TurnsOutcome> {
  return measureRounds(cells, run, {
    rounds: options.rounds,
    groupOf: ({ transport, interval }) => `${transport} ${interval}`,
    runtimeMs: options['runtime-ms'],
    overheadMs: OVERHEAD_MS,
    measure: (cell, round, position, runtimeMs) => runLo(cell, round, position, { ...context, runtimeMs }),
  })
}

async function runLo(cell: LoCell, round: number, position: number, context: LoContext): Promise<Row> {
  const receiver = receiverOf(context, cell.transport)
  const before = isProcess(receiver) ? await receiver.report() : undefined
  using socket = await openLoSocket(cell.transport, receiver, context.settings)
  const load = openLoLoad(socket, cell)
  try {
    const row = measuredRow(cell, round, position, await measure(load, cell.interval, context.runtimeMs))
    if (!isProcess(receiver) || before === undefined) return row
    const { sends, bytes } = load.totals()
    const after = isStream(cell.transport)
      ? await receiver.waitFor({ bytes: before.bytes + bytes })
      : await settled(receiver, before.datagrams + before.droppedDatagrams + sends)
    return { ...row, received: difference(after, before, cell) }
  } finally {
    await load.close()
  }
}

/** The report once everything that was sent is received or known to be dropped, or nothing more comes. */
async function settled(receiver: Receiver, expected: number): Promise<ReceiverReport> {
  let last = await receiver.report()
  for (let idle = 0; idle < IDLE_LOOKS && last.datagrams + last.droppedDatagrams < expected; ) {
    const next = await receiver.report()
    idle = next.datagrams === last.datagrams ? idle + 1 : 0
    last = next
  }
  return last
}

function difference(after: ReceiverReport, before: ReceiverReport, { transport, sizeBytes }: LoCell): NonNullable<Row['received']> {
  const bytes = after.bytes - before.bytes
  const sends = isStream(transport) ? Math.floor(bytes / sizeBytes) : after.datagrams - before.datagrams
  return { sends, bytes, dropped: after.droppedDatagrams - before.droppedDatagrams }
}

/** `bench lo`. */
export const loCommand: Command = {
  about:
    "The slides' snd_zerocopy_lo: sends, receptions and notifications on loopback over TCP, UDP, RAW, PACKET and VSOCK, with and without zero-copy.",
  options: LO_OPTIONS,
  run: lo,
}
