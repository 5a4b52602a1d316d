import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { copiedShare, recordSchema } from '../src/record/record.js'
import { defaultRecordPath, readRecord, writeRecord } from '../src/record/record-file.js'
import { record, row } from './rows.js'

let folder = ''
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sendzc-record-'))
})
afterEach(() => rm(folder, { recursive: true }))

describe('record', () => {
  it('survives a round trip, and leaves nothing beside itself', async () => {
    const path = join(folder, 'deep', 'record.json')
    await writeRecord(path, record())
    expect(await readRecord(path)).toEqual(record())
    expect(await readdir(join(folder, 'deep'))).toEqual(['record.json'])
  })

  it('refuses to write an invalid record, and leaves the old one whole', async () => {
    const path = join(folder, 'record.json')
    await writeRecord(path, record())
    const before = await readFile(path, 'utf8')
    await expect(writeRecord(path, record([row({ seconds: -1 })]))).rejects.toThrow('was not written')
    expect(await readFile(path, 'utf8')).toBe(before)
    expect(await readdir(folder)).toEqual(['record.json'])
  })

  it('names the place that it cannot write to', async () => {
    await writeFile(join(folder, 'file'), '')
    await expect(writeRecord(join(folder, 'file', 'record.json'), record())).rejects.toThrow('Cannot write the record')
  })

  it.each([
    ['a missing file', undefined, 'Cannot read the record'],
    ['a truncated record', JSON.stringify(record()).slice(0, 400), 'is not a whole record (truncated, or not JSON)'],
    ['something else', '{"a":1}', 'is not a record of sendzc bench'],
    ['another version', JSON.stringify({ ...record(), schemaVersion: 99 }), 'is a record of version 99; this program reads version 1'],
    ['an unknown field', JSON.stringify({ ...record(), surprise: 1 }), 'is not a valid record'],
    ['a row without its sends', JSON.stringify(record([{ ...row(), sends: undefined as unknown as number }])), 'sends'],
  ])('refuses %s in one line', async (_name, text, expected) => {
    const path = join(folder, 'record.json')
    if (text !== undefined) await writeFile(path, text)
    const error = await readRecord(path).then(
      () => new Error('was accepted'),
      (reason: Error) => reason,
    )
    expect(error.message).toContain(expected)
    expect(error.message).not.toContain('\n')
  })

  it('has the fields that the issue asks of a row', () => {
    const asked =
      'transport backend level interval sizeBytes round sends bytes seconds cpuUserUs cpuSystemUs notifications zerocopySends copiedSends'
    for (const name of asked.split(' ')) {
      const { [name as 'sends']: _removed, ...rest } = row()
      expect(recordSchema.safeParse({ ...record(), rows: [rest] }).success, name).toBe(false)
    }
  })

  it('counts the copied share over rows that tell, and says when none does', () => {
    expect(copiedShare([row({ copiedSends: 1, zerocopySends: 3 }), row({ copiedSends: null })])).toBe(0.25)
    expect(copiedShare([row({ copiedSends: null })])).toBeNull()
    expect(copiedShare([])).toBeNull()
  })

  it('names the default file after the command and the time', () => {
    expect(defaultRecordPath('sweep', new Date('2026-01-02T03:04:05.678Z'))).toBe(join('results', 'sweep-20260102T030405Z.json'))
  })
})
