import { z } from 'zod'
import { BenchFailure, ExitStatus, messageOf } from '../cli/failure.js'
import { type BenchRecord, recordSchema } from '../record/record.js'
import { writeWhole } from '../record/write-whole.js'
import { reportPage } from './page.js'

/** Most records in one report: the page must stay one that a phone can open. */
export const MAX_REPORT_RECORDS = 200

/** Records and place of a report. */
export interface ReportRequest {
  /** At least one, at most {@link MAX_REPORT_RECORDS}; any commands, hosts and machine models. */
  records: readonly BenchRecord[]
  /** Path of the HTML file; its folder is made when it is missing. An older file is replaced. */
  outFile: string
}

/**
 * Writes one self-contained HTML file, so that a reader sees all of it or nothing.
 * @throws BenchFailure in one line: no record, too many, one that is not valid, or a file that cannot be written
 */
export async function writeReport({ records, outFile }: ReportRequest): Promise<void> {
  if (records.length === 0) throw new BenchFailure('There is no record to report on.')
  if (records.length > MAX_REPORT_RECORDS)
    throw new BenchFailure(`${records.length} records; a report holds at most ${MAX_REPORT_RECORDS}.`)
  const checked = records.map((record, at) => {
    const parsed = recordSchema.safeParse(record)
    if (!parsed.success) throw new BenchFailure(`Record ${at + 1} is not valid: ${z.prettifyError(parsed.error)}`)
    return parsed.data
  })
  try {
    await writeWhole(outFile, reportPage(checked))
  } catch (error) {
    throw new BenchFailure(`Cannot write the report ${outFile}: ${messageOf(error)}`, ExitStatus.Failed, error)
  }
}
