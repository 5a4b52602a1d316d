import {
  ANCESTORS,
  type AncestorLabel,
  BACKEND_GROUPS,
  BACKENDS,
  type BackendLabel,
  CELL_LIMITS,
  type Cell,
  groupKey,
  type Transport,
} from '../cells/cell.js'
import type { Command } from '../cli/command.js'
import { COMMON_OPTIONS, type OptionValues, read, withDefault } from '../cli/command-line.js'
import { ExitStatus, type ExitStatusCode } from '../cli/failure.js'
import { connectTo, defaultNoDelay } from '../ends/connect.js'
import { makePayload } from '../ends/payload.js'
import { congestionText, socketSettings } from '../ends/socket-settings.js'
import { AncestorLoad } from '../loads/ancestor-load.js'
import { probeBackends, selectBackends } from '../machine/backends.js'
import { ProcessorMeter } from '../machine/processor-meter.js'
import { chooseProcessors, pinSender } from '../machine/processors.js'
import type { Row } from '../record/record.js'
import { type CellContext, runCell } from '../run/cell-runner.js'
import { openEnds } from '../run/ends.js'
import { measure } from '../run/measure.js'
import { measureRounds } from '../run/measure-rounds.js'
import { measuredRow } from '../run/measured-row.js'
import { RunRecord } from '../run/run-record.js'
import { readRequest } from '../run/run-request.js'
import type { TurnsOutcome } from '../run/turns.js'
import { ancestorsTables, FREE_NOTES } from '../tables/ancestors-table.js'
import { type MeasuredCell, measuredOnWire } from '../wire/wire-meter.js'
import { WIRE_OPTIONS, wireOf } from '../wire/wire-options.js'
import { isInside, runInside } from '../wire/wire-run.js'
import { noDelayText } from './sweep.js'

const STREAMS = ['tcp4', 'tcp6'] as const
const DRIVER_BACKENDS = BACKENDS.filter((backend) => backend !== 'auto')
const DEFAULTS = { backends: 'copy,errqueue-recvmmsg', sizes: '4K,64K,1M', interval: '8', runtimeMs: 300, rounds: 5 } as const

/** Connecting, awaiting notifications and closing, in ms; only the progress bar uses it. */
const OVERHEAD_MS = 40

/** Options of `bench ancestors`. */
export const ANCESTORS_OPTIONS = {
  transports: { value: 'LIST', help: `out of ${STREAMS.join(',')} (default tcp4)`, schema: read.words(STREAMS).prefault('tcp4') },
  ancestors: { value: 'LIST', help: `out of ${ANCESTORS.join(',')} (default all)`, schema: read.words(ANCESTORS).default([...ANCESTORS]) },
  backends: {
    value: 'LIST',
    help: `beside them, out of ${DRIVER_BACKENDS.join(',')}, and errqueue for both of its (default ${DEFAULTS.backends})`,
    schema: read.words(DRIVER_BACKENDS, BACKEND_GROUPS).prefault(DEFAULTS.backends),
  },
  sizes: {
    value: 'LIST',
    help: `bytes of one send, K and M allowed (default ${DEFAULTS.sizes})`,
    schema: read.wholes(1, CELL_LIMITS.sizeBytes, true).prefault(DEFAULTS.sizes),
  },
  intervals: {
    ...COMMON_OPTIONS.intervals,
    help: `sends of one native call (default ${DEFAULTS.interval})`,
    schema: COMMON_OPTIONS.intervals.schema.prefault(DEFAULTS.interval),
  },
  'runtime-ms': withDefault(COMMON_OPTIONS['runtime-ms'], DEFAULTS.runtimeMs),
  rounds: withDefault(COMMON_OPTIONS.rounds, DEFAULTS.rounds),
  json: COMMON_OPTIONS.json,
  resume: COMMON_OPTIONS.resume,
  to: COMMON_OPTIONS.to,
  ...WIRE_OPTIONS,
  cpus: COMMON_OPTIONS.cpus,
  nodelay: COMMON_OPTIONS.nodelay,
  congestion: COMMON_OPTIONS.congestion,
  seed: COMMON_OPTIONS.seed,
}

type AncestorsOptions = OptionValues<typeof ANCESTORS_OPTIONS>

/** A cell of a path of ours, or of one of the older ones. */
interface AncestorCell extends Cell {
  transport: Transport
  backend: BackendLabel | AncestorLabel
  level: 'driver'
}

async function ancestors(args: readonly string[]): Promise<ExitStatusCode> {
  const request = await readRequest('ancestors', args, ANCESTORS_OPTIONS)
  const { options } = request
  const wire = wireOf(options)
  if (wire !== undefined && !isInside()) return runInside(wire)
  const probes = probeBackends(DRIVER_BACKENDS)
  const { backends } = selectBackends(options.backends, probes)
  const processors = await chooseProcessors(options.cpus)
  const settings = await socketSettings(options.congestion)
  const run = await RunRecord.begin({
    request,
    options: { ...options, nodelay: options.nodelay ?? defaultNoDelay('driver'), ...settings },
    processors,
    remoteHost: options.to?.host ?? null,
    wire,
    probes,
  })
  run.note(congestionText(settings), ...FREE_NOTES)
  await using receivers = await openEnds({ transports: options.transports, to: options.to, cpu: processors.receiver, settings, wire })
  run.note(...receivers.notes)
  pinSender(processors)
  using meter = new ProcessorMeter()
  run.note(...meter.notes)
  const context: CellContext = {
    destinations: receivers.destinations,
    wire: receivers.wire,
    settings,
    runtimeMs: options['runtime-ms'],
    noDelay: options.nodelay,
    meter,
  }
  const cells = receivers.transports.flatMap((transport) =>
    options.sizes.flatMap((sizeBytes) =>
      options.intervals.flatMap((interval) =>
        [...backends, ...options.ancestors].map((backend): AncestorCell => ({ transport, backend, level: 'driver', interval, sizeBytes })),
      ),
    ),
  )
  const outcome = await measureAncestors(cells, options, run, context)
  const path = await run.write(outcome.complete)
  const lines = [
    'The same bytes through each path: median over the rounds; gain in throughput and percent of CPU time over copy, medians of the ratios paired',
    'by round with their bootstrap 95 % intervals. Copied: share of the messages that the kernel copied; - = the path does not tell.',
    ...ancestorsTables(outcome.rows),
    '',
    ...run.notes,
    `TCP_NODELAY: ${noDelayText(options.nodelay)}.`,
    `${options.rounds} rounds of ${options['runtime-ms']} ms per cell; interval: sends per native call. Seed ${run.seed}. Record: ${path}`,
  ]
  process.stdout.write(`${lines.join('\n')}\n`)
  return outcome.complete ? ExitStatus.Ok : ExitStatus.Interrupted
}

async function measureAncestors(
  cells: readonly AncestorCell[],
  options: AncestorsOptions,
  run: RunRecord,
  context: CellContext,
): Promise<TurnsOutcome> {
  return measureRounds(cells, run, {
    rounds: options.rounds,
    groupOf: groupKey,
    runtimeMs: options['runtime-ms'],
    overheadMs: OVERHEAD_MS,
    measure: (cell, round, position, runtimeMs) => runPath(cell, round, position, { ...context, runtimeMs }),
  })
}

function runPath(cell: AncestorCell, round: number, position: number, context: CellContext): Promise<Row> {
  const { backend } = cell
  if (!isAncestor(backend)) return runCell({ ...cell, backend }, round, position, context)
  return measuredOnWire(context.wire, () => runAncestor(cell, backend, round, position, context))
}

async function runAncestor(
  cell: AncestorCell,
  backend: AncestorLabel,
  round: number,
  position: number,
  context: CellContext,
): Promise<MeasuredCell> {
  const { transport, level, interval, sizeBytes } = cell
  const destination = context.destinations.get(transport)
  if (destination === undefined) throw new TypeError(`No receiver for ${transport}.`)
  using socket = await connectTo(transport, destination, context.settings, context.noDelay ?? defaultNoDelay(level))
  const load = new AncestorLoad({ path: backend, fd: socket.fd, interval, payload: makePayload(sizeBytes) })
  try {
    const measured = measuredRow(cell, round, position, await measure(load, interval, context.runtimeMs, context.meter))
    // Nobody tells whether the kernel copied, or when it let go.
    const row = { ...measured, zerocopySends: null, copiedSends: null, notifications: null, notifiedIds: null, rangeWidthIds: null }
    return { row, sentBytes: load.totals().bytes }
  } finally {
    await load.close()
  }
}

function isAncestor(backend: AncestorCell['backend']): backend is AncestorLabel {
  return (ANCESTORS as readonly string[]).includes(backend)
}

/** `bench ancestors`. */
export const ancestorsCommand: Command = {
  about: 'The same bytes by sendfile, by splice and by vmsplice + splice, beside copy and zero-copy.',
  options: ANCESTORS_OPTIONS,
  run: ancestors,
}
