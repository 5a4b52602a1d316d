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

/** Options of a stage. */
export interface StageOptions extends Partial<WireOptions> {
  to?: Endpoint | undefined
  backends?: readonly BackendLabel[] | undefined
  cpus?: readonly number[] | undefined
  congestion?: string | undefined
}

/** The means of a measurement, found out before anything starts. */
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

/** Selection of the paths. */
export interface StagePaths {
  /** Paths of the command; {@link BACKENDS} by default. */
  paths?: readonly BackendLabel[]
  /** Paths that are wanted; `--backends` by default. With undefined: all that work here. */
  wanted?: (probes: readonly ProbeRecord[]) => readonly BackendLabel[] | undefined
}

/**
 * Finds out which paths work here, and has `body` measure with them. With `--wire` a process in a namespace made for the run does so.
 * @returns the result of `body`
 * @throws BenchFailure in one line for a path that does not work here; errors of `body`
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
 * @throws errors of `open` and `body`
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
