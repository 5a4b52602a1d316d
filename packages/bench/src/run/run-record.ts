import { BenchFailure, ExitStatus } from '../cli/failure.js'
import { type HostIdentity, hostIdentity, hostLoad } from '../machine/host-facts.js'
import { emulationText, type MachineOptions, machineOptions } from '../machine/machine.js'
import type { Processors } from '../machine/processors.js'
import { SEED_LIMIT } from '../numbers/random.js'
import { type BenchRecord, type HostRecord, type ProbeRecord, RECORD_VERSION, type Row } from '../record/record.js'
import { checkRecordPath, defaultRecordPath, writeRecord } from '../record/record-file.js'
import { hasJournal, RowJournal } from '../record/row-journal.js'
import type { WireSettings } from '../record/wire-settings.js'
import { wireNotes } from '../wire/wire-meter.js'
import { ConditionsMeter, conditionNotes } from './conditions.js'
import { checkResumable, measuredOptions, type RunRequest } from './run-request.js'
import type { RowKeeper } from './turns.js'

/** Load average before the run, as a share of the CPUs, above which the record warns: the run itself wants two of them. */
const BUSY_LOAD_SHARE = 0.5

/** Share of the CPU time of a run that the hypervisor took, above which the record warns. */
const STOLEN_SHARE = 0.02

/** A run, as its command knows it before it measures. */
export interface RunDescription {
  /** The request of the user. */
  request: Pick<RunRequest, 'command' | 'given' | 'resumed'> & { options: { seed: number | undefined; json: string | undefined } }
  /** Options in effect, defaults included. */
  options: Record<string, unknown>
  processors: Processors
  /** Host given to `--to`; null for loopback and for the wire. */
  remoteHost: string | null
  /** The wire that the run is on; undefined = there is none. */
  wire?: WireSettings | undefined
  probes: ProbeRecord[]
}

/**
 * The record of one run: begun before it measures, given every row as it comes, written whole at its end. Every measuring command uses it,
 * so that all records have one form, and all can be gone on with.
 */
export class RunRecord implements RowKeeper {
  /** Seed of the order. */
  readonly seed: number
  /** Sentences for the reader of the record. */
  readonly notes: string[] = []
  /** Path of the record. */
  readonly path: string
  readonly #description: RunDescription
  readonly #startedAt = new Date()
  readonly #identity: HostIdentity
  readonly #loadBefore: HostRecord['loadBefore']
  readonly #rows: Row[]
  readonly #journal: RowJournal
  readonly #conditions: ConditionsMeter

  private constructor(description: RunDescription, identity: HostIdentity, machine: MachineOptions, loadBefore: HostRecord['loadBefore']) {
    const { request } = description
    this.#description = { ...description, options: { ...measuredOptions(description.options), ...machine } }
    this.path = request.options.json ?? defaultRecordPath(request.command, this.#startedAt)
    this.#identity = identity
    this.#loadBefore = loadBefore
    this.seed = request.options.seed ?? Math.floor(Math.random() * SEED_LIMIT)
    this.#rows = [...(request.resumed?.rows ?? [])]
    this.#journal = new RowJournal(this.path)
    this.#conditions = new ConditionsMeter(description.processors.sender)
  }

  /**
   * Notes the state of the host and begins.
   * @throws BenchFailure when the record could not be written at the end, would be of another kind than the one that it goes on with, or
   *   would replace the rows of a run that was cut off
   */
  static async begin(description: RunDescription): Promise<RunRecord> {
    const machine = await machineOptions()
    const run = new RunRecord(description, await hostIdentity(), machine, await hostLoad())
    await checkRecordPath(run.path)
    const emulated = emulationText(machine)
    if (emulated !== undefined) run.note(`${emulated}.`)
    const { command, resumed } = description.request
    if (resumed !== undefined) {
      checkResumable(resumed, run.#frame(run.#loadBefore), run.path)
      run.note(...resumed.notes.filter((note) => !note.startsWith('WARNING: ')))
      run.notes.push(`Resumed at ${run.#startedAt.toISOString()} after ${resumed.rows.length} rows.`)
    } else if (hasJournal(run.path)) {
      throw new BenchFailure(
        `${run.#journal.path} holds the rows of a run that was cut off: bench ${command} --resume ${run.path} goes on with it; or remove it.`,
      )
    }
    return run
  }

  /** Rows so far, those of the run that it goes on with first. */
  get rows(): readonly Row[] {
    return this.#rows
  }

  /** Adds sentences, each once: a resumed run repeats its earlier ones. */
  note(...sentences: readonly string[]): void {
    for (const sentence of sentences) if (!this.notes.includes(sentence)) this.notes.push(sentence)
  }

  /** To be called just before a measurement. */
  start(): void {
    this.#conditions.start()
  }

  /**
   * Keeps a row, on disk as well: see {@link RowJournal}.
   * @throws BenchFailure when it cannot be written
   */
  keep(row: Row): void {
    const whole = { ...row, conditions: this.#conditions.stop() }
    this.#journal.append(whole, () => this.#frame(this.#loadBefore))
    this.#rows.push(whole)
  }

  /** How to go on after a failure; empty where there is nothing to go on with. */
  remedy(): string {
    if (this.#rows.length === 0) return ''
    return ` The ${this.#rows.length} rows before it are kept: bench ${this.#description.request.command} --resume ${this.path} goes on with them.`
  }

  /**
   * Writes the record whole, and removes its journal.
   * @param complete - false when the run was interrupted
   * @returns its path
   * @throws BenchFailure when it cannot be written, or has no rows since the run was interrupted before its first
   */
  async write(complete: boolean): Promise<string> {
    if (this.#rows.length === 0 && !complete)
      throw new BenchFailure('Interrupted before anything was measured: there is no record.', ExitStatus.Interrupted)
    const loadAfter = await hostLoad()
    this.#noteDisturbance(loadAfter)
    await writeRecord(this.path, { ...this.#frame(loadAfter), complete })
    this.#journal.remove()
    if (!complete)
      process.stderr.write(
        `Interrupted after ${this.#rows.length} rows: bench ${this.#description.request.command} --resume ${this.path} goes on.\n`,
      )
    return this.path
  }

  #frame(loadAfter: HostRecord['loadBefore']): BenchRecord {
    const { request, options, processors, remoteHost, wire, probes } = this.#description
    return {
      format: 'sendzc-bench',
      schemaVersion: RECORD_VERSION,
      command: request.command,
      startedAt: request.resumed?.startedAt ?? this.#startedAt.toISOString(),
      finishedAt: new Date().toISOString(),
      complete: false,
      seed: this.seed,
      arguments: request.given,
      options,
      path: {
        kind: wire !== undefined ? 'wire' : remoteHost === null ? 'loopback' : 'remote',
        host: remoteHost,
        senderCpu: processors.sender,
        receiverCpu: processors.receiver,
        ...(wire === undefined ? {} : { wire }),
      },
      host: { ...this.#identity, loadBefore: request.resumed?.host.loadBefore ?? this.#loadBefore, loadAfter },
      probes,
      notes: this.notes,
      rows: this.#rows,
    }
  }

  /** Notes other work on this host that could explain a result. */
  #noteDisturbance(loadAfter: HostRecord['loadBefore']): void {
    const { cpuCount } = this.#identity
    const before = this.#loadBefore.average[0] ?? 0
    if (before > cpuCount * BUSY_LOAD_SHARE) {
      this.notes.push(
        `WARNING: the load average was ${before.toFixed(1)} on ${cpuCount} CPUs before the run began: other work shared the machine, and the numbers say little.`,
      )
    }
    this.notes.push(...stealNote(this.#loadBefore.cpuTicks, loadAfter.cpuTicks), ...conditionNotes(this.#rows), ...wireNotes(this.#rows))
  }
}

type Ticks = HostRecord['loadBefore']['cpuTicks']

function stealNote(before: Ticks, after: Ticks): string[] {
  if (before === null || after === null) return []
  const stolen = (after.steal - before.steal) / Math.max(1, after.total - before.total)
  if (stolen <= STOLEN_SHARE) return []
  return [`WARNING: the hypervisor took ${(stolen * 100).toFixed(1)} % of the CPU time during the run (steal).`]
}
