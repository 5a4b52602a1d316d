import { constants, existsSync } from 'node:fs'
import { access, mkdir, open, readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { z } from 'zod'
import { BenchFailure, messageOf } from '../cli/failure.js'
import { type BenchRecord, RECORD_VERSION, recordSchema } from './record.js'
import { JOURNAL_SUFFIX, journalPath, parseJournal } from './row-journal.js'
import { writeWhole } from './write-whole.js'

/** Largest record that is read, in bytes. */
export const MAX_RECORD_BYTES = 268_435_456

/**
 * Writes a record so that a reader sees all of it or nothing.
 * @param path - of the record; a missing folder is made
 * @throws BenchFailure when the folder or the file cannot be written, or the record is not valid
 */
export async function writeRecord(path: string, record: BenchRecord): Promise<void> {
  const checked = recordSchema.safeParse(record)
  if (!checked.success) throw new BenchFailure(`The record is not valid, so it was not written: ${z.prettifyError(checked.error)}`)
  try {
    await writeWhole(path, `${JSON.stringify(checked.data, null, 1)}\n`)
  } catch (error) {
    throw new BenchFailure(`Cannot write the record ${path}: ${messageOf(error)}`, undefined, error)
  }
}

/**
 * Finds out, before anything is measured, whether a record can be written.
 * @throws BenchFailure when its folder cannot be made or written to
 */
export async function checkRecordPath(path: string): Promise<void> {
  try {
    await mkdir(dirname(path), { recursive: true })
    await access(dirname(path), constants.W_OK)
  } catch (error) {
    throw new BenchFailure(`Cannot write the record ${path}: ${messageOf(error)}`, undefined, error)
  }
}

/**
 * Reads a record, or the journal of a run that was cut off.
 * @throws BenchFailure in one line: no such file, not JSON (truncated), not a record, or a record of another version
 */
export async function readRecord(path: string): Promise<BenchRecord> {
  const parsed = path.endsWith(JOURNAL_SUFFIX) ? await parseJournal(path) : await parseRecord(path)
  const head = z.looseObject({ format: z.literal('sendzc-bench'), schemaVersion: z.number() }).safeParse(parsed)
  if (!head.success) throw new BenchFailure(`${path} is not a record of sendzc bench.`)
  if (head.data.schemaVersion !== RECORD_VERSION) {
    throw new BenchFailure(`${path} is a record of version ${head.data.schemaVersion}; this program reads version ${RECORD_VERSION}.`)
  }
  const record = recordSchema.safeParse(parsed)
  if (!record.success) throw new BenchFailure(`${path} is not a valid record: ${z.prettifyError(record.error)}`)
  return record.data
}

async function parseRecord(path: string): Promise<unknown> {
  const text = await readText(path)
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new BenchFailure(`${path} is not a whole record (truncated, or not JSON): ${messageOf(error)}`, undefined, error)
  }
}

async function readText(path: string): Promise<string> {
  try {
    const file = await open(path, 'r')
    try {
      const { size } = await file.stat()
      if (size > MAX_RECORD_BYTES) throw new BenchFailure(`${path} has ${size} bytes; a record has at most ${MAX_RECORD_BYTES}.`)
    } finally {
      await file.close()
    }
    return await readFile(path, 'utf8')
  } catch (error) {
    if (error instanceof BenchFailure) throw error
    const journal = existsSync(journalPath(path)) ? ` The run was cut off: its rows are in ${journalPath(path)}.` : ''
    throw new BenchFailure(`Cannot read the record ${path}: ${messageOf(error)}.${journal}`, undefined, error)
  }
}

/** Default place of a record: `results/<command>-<time>.json` under the working folder. */
export function defaultRecordPath(command: string, startedAt: Date): string {
  const stamp = startedAt
    .toISOString()
    .replace(/[-:]/gu, '')
    .replace(/\.\d+Z$/u, 'Z')
  return join('results', `${command}-${stamp}.json`)
}
