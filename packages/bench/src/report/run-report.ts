import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { BenchFailure, ExitStatus, type ExitStatusCode, messageOf, runToStatus } from '../cli/failure.js'
import { readRecord } from '../record/record-file.js'
import { writePictures } from './write-pictures.js'
import { writeReport } from './write-report.js'

/** Where records are looked for when none is named. */
const RECORDS_FOLDER = 'results'

/** Where the report goes when `--out` does not say. */
const DEFAULT_OUT = join(RECORDS_FOLDER, 'report.html')

/** Text of `bench report --help`. */
export const REPORT_HELP = `Usage: bench report [RECORD.json ...] [--out FILE.html] [--pictures FOLDER]

Writes one self-contained HTML file from any set of records (default: every record in ${RECORDS_FOLDER}/).
Records of different machines, kernels, paths and machine models stand in sections of their own.

  --out FILE.html    where it goes (default ${DEFAULT_OUT})
  --pictures FOLDER  also write every picture as an SVG file of its own
  --help             this text
`

/**
 * `bench report`: reads the records, writes the page, says where it is. A record that cannot be read ends it before anything is written.
 * @param argv - arguments behind `report`
 * @returns the exit status; never throws: a failure is one line on stderr
 */
export function runReport(argv: readonly string[]): Promise<ExitStatusCode> {
  return runToStatus('bench report', () => report(argv))
}

async function report(argv: readonly string[]): Promise<ExitStatusCode> {
  const { values, positionals } = parse(argv)
  if (values.help === true) {
    process.stdout.write(REPORT_HELP)
    return ExitStatus.Ok
  }
  const outFile = values.out ?? DEFAULT_OUT
  if (outFile === '' || outFile.endsWith('/')) throw new BenchFailure('--out wants the name of a file.')
  if (outFile.endsWith('.json')) throw new BenchFailure(`--out ${outFile} has the name of a record; a report is an HTML file.`)
  const paths = positionals.length > 0 ? positionals : await recordsInFolder()
  const records = []
  // One after the other: records may be large, and the first bad one ends it.
  for (const path of [...new Set(paths)]) records.push(await readRecord(path))
  await writeReport({ records, outFile })
  process.stdout.write(`Report of ${records.length} ${records.length === 1 ? 'record' : 'records'}: ${outFile}\n`)
  if (values.pictures !== undefined) {
    const names = await writePictures(records, values.pictures)
    process.stdout.write(`${names.length} pictures: ${values.pictures}\n`)
  }
  return ExitStatus.Ok
}

interface ReportArguments {
  values: { out?: string | undefined; pictures?: string | undefined; help?: boolean | undefined }
  positionals: string[]
}

function parse(argv: readonly string[]): ReportArguments {
  try {
    return parseArgs({
      args: [...argv],
      options: { out: { type: 'string' }, pictures: { type: 'string' }, help: { type: 'boolean', short: 'h' } },
      strict: true,
      allowPositionals: true,
    })
  } catch (error) {
    throw new BenchFailure(`${messageOf(error).replace(/[^.]$/u, '$&.')} See --help.`, undefined, error)
  }
}

async function recordsInFolder(): Promise<string[]> {
  let names: string[]
  try {
    names = await readdir(RECORDS_FOLDER)
  } catch (error) {
    throw new BenchFailure(`No record was named, and ${RECORDS_FOLDER}/ cannot be read: ${messageOf(error)}`, undefined, error)
  }
  const records = names.filter((name) => name.endsWith('.json') && !name.startsWith('.')).sort()
  if (records.length === 0) throw new BenchFailure(`No record was named, and ${RECORDS_FOLDER}/ has none. Run \`bench sweep\` first.`)
  return records.map((name) => join(RECORDS_FOLDER, name))
}
