import { type HostIdentity, hostIdentity, hostLoad } from './host-facts.js'
import type { Processors } from './processors.js'
import { SEED_LIMIT } from './random.js'
import { type BenchRecord, type HostRecord, type ProbeRecord, RECORD_VERSION, type Row } from './record.js'
import { checkRecordPath, defaultRecordPath, writeRecord } from './record-file.js'

/** Load average before the run, as a share of the CPUs, above which the record warns: the run itself wants two of them. */
const BUSY_LOAD_SHARE = 0.5

/** Share of the CPU time of a run that the hypervisor took, above which the record warns. */
const STOLEN_SHARE = 0.02

/** What a command knows about its run before it measures. */
export interface RunDescription {
  /** The subcommand. */
  command: string
  /** Options in effect, defaults included. */
  options: Record<string, unknown>
  /** Given by the user, or chosen at random. */
  seed: number | undefined
  processors: Processors
  /** Host given to `--to`; null for loopback. */
  remoteHost: string | null
  probes: ProbeRecord[]
  /** Where the record goes, as `--json` gave it; undefined = the default place. */
  json: string | undefined
}

/**
 * The frame of one run's record: taken at its start, written at its end. Every measuring command uses it, so that all records
 * have one form.
 */
export class RunRecord {
  /** Seed of the order. */
  readonly seed: number
  /** Sentences for the reader of the record. */
  readonly notes: string[] = []
  readonly #description: RunDescription
  readonly #startedAt = new Date()
  readonly #path: string
  readonly #identity: HostIdentity
  readonly #loadBefore: HostRecord['loadBefore']

  private constructor(description: RunDescription, identity: HostIdentity, loadBefore: HostRecord['loadBefore']) {
    this.#description = description
    this.#path = description.json ?? defaultRecordPath(description.command, this.#startedAt)
    this.#identity = identity
    this.#loadBefore = loadBefore
    this.seed = description.seed ?? Math.floor(Math.random() * SEED_LIMIT)
  }

  /**
   * Notes the state of the host and begins.
   * @throws BenchFailure when the record could not be written at the end
   */
  static async begin(description: RunDescription): Promise<RunRecord> {
    const run = new RunRecord(description, await hostIdentity(), await hostLoad())
    await checkRecordPath(run.#path)
    return run
  }

  /**
   * Writes the record whole.
   * @param complete - false when the run was interrupted
   * @returns where it was written
   * @throws BenchFailure when it cannot be written
   */
  async write(rows: Row[], complete: boolean): Promise<string> {
    const loadAfter = await hostLoad()
    this.#noteDisturbance(loadAfter)
    const { command, options, processors, remoteHost, probes } = this.#description
    const record: BenchRecord = {
      format: 'sendzc-bench',
      schemaVersion: RECORD_VERSION,
      command,
      startedAt: this.#startedAt.toISOString(),
      finishedAt: new Date().toISOString(),
      complete,
      seed: this.seed,
      options,
      path: {
        kind: remoteHost === null ? 'loopback' : 'remote',
        host: remoteHost,
        senderCpu: processors.sender,
        receiverCpu: processors.receiver,
      },
      host: { ...this.#identity, loadBefore: this.#loadBefore, loadAfter },
      probes,
      notes: this.notes,
      rows,
    }
    await writeRecord(this.#path, record)
    return this.#path
  }

  /** What else ran here could explain a result: say so beside it. */
  #noteDisturbance(loadAfter: HostRecord['loadBefore']): void {
    const { cpuCount } = this.#identity
    const before = this.#loadBefore.average[0] ?? 0
    if (before > cpuCount * BUSY_LOAD_SHARE) {
      this.notes.push(
        `WARNING: the load average was ${before.toFixed(1)} on ${cpuCount} CPUs before the run began: other work shared the machine, and the numbers say little.`,
      )
    }
    const ticks = [this.#loadBefore.cpuTicks, loadAfter.cpuTicks] as const
    if (ticks[0] === null || ticks[1] === null) return
    const stolen = (ticks[1].steal - ticks[0].steal) / Math.max(1, ticks[1].total - ticks[0].total)
    if (stolen > STOLEN_SHARE) {
      this.notes.push(`WARNING: the hypervisor took ${(stolen * 100).toFixed(1)} % of the CPU time during the run (steal).`)
    }
  }
}
