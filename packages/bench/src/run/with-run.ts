import type { AnyCell, Transport } from '../cells/cell.js'
import { ExitStatus, type ExitStatusCode } from '../cli/failure.js'
import { congestionText } from '../ends/socket-settings.js'
import type { Row } from '../record/record.js'
import type { CellContext } from './cell-runner.js'
import { type Ends, openEnds } from './ends.js'
import { type MeasureCell, measureRounds, type RoundsOptions } from './measure-rounds.js'
import { RunRecord } from './run-record.js'
import type { RunRequest } from './run-request.js'
import { type Stage, type StageOptions, type StagePaths, withEnds, withStage } from './stage.js'
import type { TurnsOutcome } from './turns.js'

/** Options that every run has. */
export interface RunOptions extends StageOptions {
  rounds: number
  'runtime-ms': number
  json?: string | undefined
  seed?: number | undefined
}

/** A command's decisions once it knows which paths work here, before anything starts. */
export interface Preparation {
  /** Entries of the record beside the options of the command line. */
  recorded?: Record<string, unknown>
  /** Sentences for the reader of the record. */
  notes?: readonly string[]
}

/** The part of a run that differs between commands. */
export interface RunPlan<P extends Preparation> extends StagePaths {
  /** Builds programs and refuses cells that cannot be measured: nothing is started or written yet. */
  prepare: (stage: Stage) => P | Promise<P>
}

/** The other end of a run. */
interface AnyEnd extends AsyncDisposable {
  /** Sentences for the reader of the record. */
  notes?: readonly string[]
}

/** A run that has begun. */
export interface Run<P extends Preparation = Preparation> extends Stage {
  prepared: P
  record: RunRecord
  /** Measures every cell in every round of the command line: see {@link measureRounds}. */
  measure<C extends AnyCell>(
    cells: readonly C[],
    measure: MeasureCell<C>,
    how?: Omit<RoundsOptions<C>, 'rounds' | 'runtimeMs' | 'measure'>,
  ): Promise<TurnsOutcome>
}

/** The findings of a command, and how it prints them. */
export interface Findings {
  outcome: TurnsOutcome
  /** Lines that are printed of the rows. */
  print: (rows: readonly Row[]) => readonly string[]
  /** Sentences below the notes of the record. */
  footer?: readonly string[]
}

/** Options that say where a run's bytes go. */
interface WayOptions extends RunOptions {
  transports: readonly Transport[]
  'receiver-pause-us'?: number
}

/** What the cells of a run share. */
export function cellContext({ settings }: Stage, { destinations, wire }: Ends): CellContext {
  return { destinations, settings, wire }
}

/** {@link withRunTo} the other end that most commands send to: receivers of this machine, `--to` another one, or a wire. */
export function withRun<P extends Preparation>(
  request: RunRequest & { options: WayOptions },
  plan: RunPlan<P>,
  body: (run: Run<P>, ends: Ends) => Promise<Findings>,
): Promise<ExitStatusCode> {
  const { transports, to, 'receiver-pause-us': coalesceUs } = request.options
  return withRunTo(
    request,
    plan,
    ({ processors, settings, wire }) =>
      openEnds({ transports, to, cpu: processors.receiver, settings, wire, ...(coalesceUs === undefined ? {} : { coalesceUs }) }),
    body,
  )
}

/**
 * The steps of every command that leaves a record. It finds out which paths work here, begins the record, opens the other end and pins the sender. Then
 * `body` measures. At last it writes the record, and prints.
 * @returns the exit status
 * @throws BenchFailure in one line; errors of `open` and `body`
 */
export function withRunTo<P extends Preparation, E extends AnyEnd>(
  request: RunRequest & { options: RunOptions },
  { prepare, ...paths }: RunPlan<P>,
  open: (stage: Stage) => Promise<E>,
  body: (run: Run<P>, ends: E) => Promise<Findings>,
): Promise<ExitStatusCode> {
  const { options } = request
  return withStage(options, paths, async (stage) => {
    const prepared = await prepare(stage)
    const { backends, processors, settings, wire, probes } = stage
    const record = await RunRecord.begin({
      request: { ...request, options: { seed: options.seed, json: options.json } },
      options: { ...options, backends, ...prepared.recorded, ...settings },
      processors,
      remoteHost: options.to?.host ?? null,
      wire,
      probes,
    })
    record.note(...(prepared.notes ?? []), congestionText(settings), ...stage.leftOut)
    const { rounds, 'runtime-ms': runtimeMs } = options
    const run: Run<P> = {
      ...stage,
      prepared,
      record,
      measure: (cells, measure, how) => measureRounds(cells, record, { rounds, runtimeMs, measure, ...how }),
    }
    return withEnds(
      stage,
      () => open(stage),
      async (ends) => {
        record.note(...(ends.notes ?? []))
        const { outcome, print, footer = [] } = await body(run, ends)
        const path = await record.write(outcome.complete)
        const length = `${rounds} rounds of ${runtimeMs} ms per cell; --rounds and --runtime-ms make it steadier.`
        const lines = [...print(outcome.rows), '', ...record.notes, ...footer, `${length} Seed ${record.seed}. Record: ${path}`]
        process.stdout.write(`${lines.join('\n')}\n`)
        return outcome.complete ? ExitStatus.Ok : ExitStatus.Interrupted
      },
    )
  })
}
