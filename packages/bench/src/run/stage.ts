import { BACKENDS, type BackendLabel } from '../cells/cell.js'
import type { Endpoint } from '../cli/command-line.js'
import type { ExitStatusCode } from '../cli/failure.js'
import { type SocketSettings, socketSettings } from '../ends/socket-settings.js'
import { probeBackends, selectBackends } from '../machine/backends.js'
import { chooseProcessors, type Processors, pinSender } from '../machine/processors.js'
import type { ProbeRecord } from '../record/record.js'
import type { WireSettings } from '../record/wire-settings.js'
import { type WireOptions, wireOf } from '../wire/wire-options.js'
import { isInside, runInside } from '../wire/wire-run.js'

/** Options that a stage is set by. */
export interface StageOptions extends Partial<WireOptions> {
  to?: Endpoint | undefined
  backends?: readonly BackendLabel[] | undefined
  cpus?: readonly number[] | undefined
  congestion?: string | undefined
}

/** What a command measures with: found out before anything starts. */
export interface Stage {
  /** The wire that this process is on; undefined = there is none. */
  wire: WireSettings | undefined
  probes: ProbeRecord[]
  /** Paths that are measured. */
  backends: BackendLabel[]
  /** A sentence for each that does not work here. */
  leftOut: string[]
  processors: Processors
  settings: SocketSettings
}

/** Which paths a stage has. */
export interface StagePaths {
  /** Those that the command has; {@link BACKENDS} by default. */
  paths?: readonly BackendLabel[]
  /** Those that are wanted; `--backends` by default. Without an answer: all that work here. */
  wanted?: (probes: readonly ProbeRecord[]) => readonly BackendLabel[] | undefined
}

/**
 * Finds out what works here, and has `body` measure with it. With `--wire` a process in a namespace made for the run does so.
 * @returns what `body` returns
 * @throws BenchFailure in one line for what does not work here; what `body` throws
 */
export async function withStage(
  options: StageOptions,
  { paths = BACKENDS, wanted = () => options.backends }: StagePaths,
  body: (stage: Stage) => Promise<ExitStatusCode>,
): Promise<ExitStatusCode> {
  const wire = wireOf(options)
  if (wire !== undefined && !isInside()) return runInside(wire)
  const probes = probeBackends(paths)
  const { backends, notes } = selectBackends(wanted(probes), probes, paths)
  const processors = await chooseProcessors(options.cpus)
  const settings = await socketSettings(options.congestion)
  return body({ wire, probes, backends, leftOut: notes, processors, settings })
}

/**
 * Opens the other end, pins the sender, and closes the end again when `body` is done. In this order: a child inherits the CPU that its parent is
 * pinned to.
 * @throws what `open` and `body` throw
 */
export async function withEnds<E extends AsyncDisposable, R>(
  { processors }: Stage,
  open: () => Promise<E>,
  body: (ends: E) => Promise<R>,
): Promise<R> {
  await using ends = await open()
  pinSender(processors)
  return await body(ends)
}
