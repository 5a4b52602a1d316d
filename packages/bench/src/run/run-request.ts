import { type GivenOptions, givenOptions, type OptionSpecs, type OptionValues, optionValues } from '../cli/command-line.js'
import { BenchFailure } from '../cli/failure.js'
import type { BenchRecord } from '../record/record.js'
import { checkRecordPath, readRecord } from '../record/record-file.js'
import { hasJournal, journalPath, recordPathOf } from '../record/row-journal.js'

/** Options that do not change the measurement itself. */
const NOT_MEASURED = ['json', 'resume', 'seed'] as const

/** The request of the user: a new run, or the rest of one. */
export interface RunRequest<T extends OptionSpecs = OptionSpecs> {
  /** The subcommand. */
  command: string
  /** Options in effect, defaults included; of the resumed run where there is one. */
  options: OptionValues<T>
  /** Options as given, for the record, without {@link NOT_MEASURED}. */
  given: GivenOptions
  /** The record that the run continues; undefined = the run is new. */
  resumed: BenchRecord | undefined
}

/**
 * Reads the command line of a command that measures. With `--resume FILE` options and seed come from the record, and those that are given
 * again must be the same.
 * @param command - the subcommand
 * @param args - arguments behind it
 * @throws BenchFailure in one line: an option that says nothing, or a record that this run cannot go on with; HelpWanted
 */
export async function readRequest<T extends OptionSpecs>(command: string, args: readonly string[], specs: T): Promise<RunRequest<T>> {
  const typed = givenOptions(args, specs)
  const given = Object.fromEntries(Object.entries(typed).filter(([name]) => !(NOT_MEASURED as readonly string[]).includes(name)))
  const options = optionValues(typed, specs)
  // Before anything is built or started for the run.
  if (typeof typed.json === 'string') await checkRecordPath(typed.json)
  if (typeof typed.resume !== 'string') return { command, options, given, resumed: undefined }
  const path = recordPathOf(typed.resume)
  // Rows of a run that was killed after it had been resumed stand in the journal; the record beside it is older.
  const record = await readRecord(hasJournal(path) ? journalPath(path) : path)
  const kept = keptArguments(command, record, typed.resume)
  for (const [name, value] of Object.entries({ ...given, ...(typed.seed === undefined ? {} : { seed: typed.seed }) })) {
    const before = name === 'seed' ? String(record.seed) : kept[name]
    if (value !== before)
      throw new BenchFailure(
        `--resume: ${typed.resume} was measured with ${optionText(name, before)}, not ${optionText(name, value)}. Leave it out, or begin a new run.`,
      )
  }
  const merged = { ...kept, seed: String(record.seed), json: typed.json ?? path, resume: typed.resume }
  return { command, options: optionValues(merged, specs), given: kept, resumed: record }
}

function keptArguments(command: string, record: BenchRecord, path: string): GivenOptions {
  if (record.command !== command)
    throw new BenchFailure(`--resume: ${path} is a record of bench ${record.command}, not of bench ${command}.`)
  if (record.complete) throw new BenchFailure(`--resume: ${path} is complete: nothing is left to measure.`)
  if (record.arguments === undefined) throw new BenchFailure(`--resume: ${path} does not tell the options that it was measured with.`)
  return record.arguments
}

function optionText(name: string, value: string | true | undefined): string {
  return value === undefined ? `the default of --${name}` : `--${name}${value === true ? '' : ` ${value}`}`
}

/** Facts that must be equal in both parts of a run, and their names. */
const HOST_FACTS = [
  ['commit', 'commit of this program'],
  ['kernel', 'kernel'],
  ['cpuModel', 'CPU'],
  ['cpuCount', 'number of CPUs'],
  ['node', 'version of Node.js'],
] as const

/**
 * Checks that a run can go on with a record: same program, machine, way of the bytes and settings, so that its rows can be compared.
 * @param now - the record that the run would make
 * @throws BenchFailure in one line that names the first thing that differs
 */
export function checkResumable(before: BenchRecord, now: Pick<BenchRecord, 'host' | 'path' | 'options'>, path: string): void {
  const refuse = (what: string, then: unknown, found: unknown): never => {
    throw new BenchFailure(
      `--resume: ${path} was measured with another ${what} (${JSON.stringify(then) ?? 'none'}; now ${JSON.stringify(found) ?? 'none'}): begin a new run.`,
    )
  }
  for (const [field, what] of HOST_FACTS) {
    if (before.host[field] !== now.host[field]) refuse(what, before.host[field], now.host[field])
  }
  const plain = (value: unknown): Record<string, unknown> => JSON.parse(JSON.stringify(value)) as Record<string, unknown>
  for (const part of ['path', 'options'] as const) {
    const [then, found] = [plain(before[part]), plain(now[part])]
    for (const name of new Set([...Object.keys(then), ...Object.keys(found)])) {
      if (JSON.stringify(then[name]) !== JSON.stringify(found[name]))
        refuse(`${part === 'path' ? 'path: ' : ''}${name}`, then[name], found[name])
    }
  }
}

/** Options for the record: without {@link NOT_MEASURED}. */
export function measuredOptions(options: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(options).filter(([name]) => !(NOT_MEASURED as readonly string[]).includes(name)))
}
