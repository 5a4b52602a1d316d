import { closeSync, existsSync, fsyncSync, openSync, renameSync, rmSync, writeSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { z } from 'zod'
import { BenchFailure, ExitStatus, messageOf } from '../cli/failure.js'
import { type BenchRecord, type Row, rowSchema } from './record.js'

/** Suffix of a journal's name, after the name of its record. */
export const JOURNAL_SUFFIX = '.partial'

/** The journal that holds the rows of a record until the record is whole. */
export function journalPath(recordPath: string): string {
  return `${recordPath}${JOURNAL_SUFFIX}`
}

/** The record that a path stands for, whether it names the record or its journal. */
export function recordPathOf(path: string): string {
  return path.endsWith(JOURNAL_SUFFIX) ? path.slice(0, -JOURNAL_SUFFIX.length) : path
}

/**
 * The rows of a running measurement, on disk as they come: the record without rows in the first line, then a line per row. Whatever ends
 * the process, the journal has every row whose measurement had ended. A line without an end was being written.
 * The file appears with the first row, by renaming, so that its first line is always whole.
 */
export class RowJournal {
  readonly path: string
  #fd: number | undefined

  /** @param recordPath - the record that the rows will become */
  constructor(recordPath: string) {
    this.path = journalPath(recordPath)
  }

  /**
   * Adds a row.
   * @param row - the new one
   * @param frame - the record so far, asked for once; the rows in it come first
   * @throws BenchFailure when the row is not valid, or the file cannot be written
   */
  append(row: Row, frame: () => BenchRecord): void {
    const checked = rowSchema.safeParse(row)
    if (!checked.success)
      throw new BenchFailure(`A row is not valid, so it was not kept: ${z.prettifyError(checked.error)}`, ExitStatus.Failed)
    try {
      // One write per line, to a file opened for appending: a kill leaves a whole line or the beginning of one.
      if (this.#fd === undefined) this.#fd = this.#create(frame(), checked.data)
      else writeSync(this.#fd, line(checked.data))
    } catch (error) {
      throw new BenchFailure(`Cannot write ${this.path}: ${messageOf(error)}`, ExitStatus.Failed, error)
    }
  }

  /** Removes the file: its rows are in the record. */
  remove(): void {
    this.close()
    rmSync(this.path, { force: true })
  }

  /** Lets go of the file, which stays. */
  close(): void {
    if (this.#fd !== undefined) closeSync(this.#fd)
    this.#fd = undefined
  }

  #create(frame: BenchRecord, row: Row): number {
    const temporary = `${this.path}.${process.pid}.tmp`
    const fd = openSync(temporary, 'ax')
    try {
      writeSync(fd, [{ ...frame, rows: [] }, ...frame.rows, row].map(line).join(''))
      fsyncSync(fd)
      renameSync(temporary, this.path)
    } catch (error) {
      closeSync(fd)
      rmSync(temporary, { force: true })
      throw error
    }
    return fd
  }
}

function line(value: unknown): string {
  return `${JSON.stringify(value)}\n`
}

/** True when a run that should have become this record was cut off. */
export function hasJournal(recordPath: string): boolean {
  return existsSync(journalPath(recordPath))
}

/**
 * Reads a journal as the record that it would have become.
 * @param path - of the journal
 * @returns the parsed record, not yet checked
 * @throws BenchFailure in one line when the file cannot be read, or a line that is whole is not JSON
 */
export async function parseJournal(path: string): Promise<unknown> {
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (error) {
    throw new BenchFailure(`Cannot read ${path}: ${messageOf(error)}`, undefined, error)
  }
  const lines = text.split('\n')
  // After the last line break stands a row that was being written when the run was cut off, or nothing.
  lines.pop()
  const parsed = lines.map((one, at): unknown => {
    try {
      return JSON.parse(one)
    } catch (error) {
      throw new BenchFailure(`${path} is damaged: line ${at + 1} is not JSON: ${messageOf(error)}`, undefined, error)
    }
  })
  const [frame, ...rows] = parsed
  return typeof frame === 'object' && frame !== null ? { ...frame, rows } : undefined
}
