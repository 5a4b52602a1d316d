import { type HostIdentity, hostIdentity, hostLoad } from './host-facts.js'
import type { Processors } from './processors.js'
import { SEED_LIMIT } from './random.js'
import { type BenchRecord, type HostRecord, type ProbeRecord, RECORD_VERSION, type Row } from './record.js'
import { defaultRecordPath, writeRecord } from './record-file.js'

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
  readonly #startedAt: Date
  readonly #identity: HostIdentity
  readonly #loadBefore: HostRecord['loadBefore']

  private constructor(description: RunDescription, identity: HostIdentity, loadBefore: HostRecord['loadBefore']) {
    this.#description = description
    this.#startedAt = new Date()
    this.#identity = identity
    this.#loadBefore = loadBefore
    this.seed = description.seed ?? Math.floor(Math.random() * SEED_LIMIT)
  }

  /** Notes the state of the host and begins. */
  static async begin(description: RunDescription): Promise<RunRecord> {
    return new RunRecord(description, await hostIdentity(), await hostLoad())
  }

  /**
   * Writes the record whole.
   * @param path - as `--json` gave it; undefined = the default place
   * @param complete - false when the run was interrupted
   * @returns where it was written
   * @throws BenchFailure when it cannot be written
   */
  async write(path: string | undefined, rows: Row[], complete: boolean): Promise<string> {
    const target = path ?? defaultRecordPath(this.#description.command, this.#startedAt)
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
      host: { ...this.#identity, loadBefore: this.#loadBefore, loadAfter: await hostLoad() },
      probes,
      notes: this.notes,
      rows,
    }
    await writeRecord(target, record)
    return target
  }
}
