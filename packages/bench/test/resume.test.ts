import { once } from 'node:events'
import { appendFile, readdir, readFile, rename, writeFile } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import type { BenchRecord } from '../src/record/record.js'
import { readRecord } from '../src/record/record-file.js'
import { blame, firstRowKept, inFolderOfItsOwn, run, start } from './bench-run.js'

const TIMEOUT_MS = 120_000
inFolderOfItsOwn()

const args = [
  '--transports',
  'tcp4',
  '--backends',
  'copy,errqueue-recvmmsg',
  '--intervals',
  '8',
  '--levels',
  'driver',
  '--runtime-ms',
  '10',
]
// A sweep pins this process, so that a second one would find one CPU only.
const rounds = ['--rounds', '6', '--cpus', '0,1']
const there = ['--json', 'record.json']

/** Runs a sweep until its first row is kept, and interrupts it. */
async function interrupted(command = 'sweep', more: readonly string[] = [...args, ...rounds]): Promise<BenchRecord> {
  const firstRow = firstRowKept()
  void firstRow.then(() => process.emit('SIGINT'))
  const outcome = await run([command, ...more, ...there])
  expect(outcome.status).toBe(130)
  expect(outcome.stderr).toContain(`bench ${command} --resume record.json goes on.`)
  return readRecord('record.json')
}

function expectWhole(record: BenchRecord, turns: number): void {
  expect(record.complete).toBe(true)
  expect(record.rows.map(({ position }) => position)).toEqual(Array.from({ length: turns }, (_, at) => at))
}

describe('a run that was interrupted', { timeout: TIMEOUT_MS }, () => {
  it('goes on with the turns that are missing, by its own options and seed', async () => {
    const before = await interrupted()
    expect(before.complete).toBe(false)
    expect(before.rows.length).toBeGreaterThan(0)
    const outcome = await run(['sweep', '--resume', 'record.json'])
    expect(outcome).toMatchObject({ status: 0 })
    expect(outcome.stderr).toContain(`${12 - before.rows.length} measurements, about`)
    const after = await readRecord('record.json')
    expectWhole(after, 12)
    expect(after).toMatchObject({ seed: before.seed, startedAt: before.startedAt, options: before.options })
    expect(after.rows.slice(0, before.rows.length)).toEqual(before.rows)
    expect(after.notes.filter((note) => note.startsWith('Resumed at'))).toHaveLength(1)
    expect(await readdir('.')).toEqual(['record.json'])
  })

  it('keeps every row through kill -9, and drops the one that was being written', async () => {
    const kept = firstRowKept()
    const child = await start(['sweep', ...args, '--rounds', '900', ...there])
    await kept
    child.kill('SIGKILL')
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
    expect(await readdir('.')).toEqual(['record.json.partial'])
    const cut = await readRecord('record.json.partial')
    expect(cut.complete).toBe(false)
    expect(cut.rows.length).toBeGreaterThan(0)
    await expect(readRecord('record.json')).rejects.toThrow('The run was cut off: its rows are in record.json.partial.')
    const fresh = await run(['sweep', ...args, ...rounds, ...there])
    expect(blame(fresh)).toContain('holds the rows of a run that was cut off: bench sweep --resume record.json')

    // As if it had been killed within the write, near the end of a shorter run.
    const [frame = '', first = ''] = (await readFile('record.json.partial', 'utf8')).split('\n')
    const shorter = frame.replace('"rounds":"900"', '"rounds":"2"').replace('"rounds":900', '"rounds":2')
    await writeFile('record.json.partial', `${shorter}\n${first}\n`)
    await appendFile('record.json.partial', first.slice(0, 100))
    expect(await run(['sweep', '--resume', 'record.json'])).toMatchObject({ status: 0 })
    const whole = await readRecord('record.json')
    expectWhole(whole, 4)
    expect(whole.rows[0]).toEqual(cut.rows[0])
    expect(await readdir('.')).toEqual(['record.json'])
  })

  it('prefers what a second interruption left to the older record beside it', async () => {
    const before = await interrupted()
    const row = { ...before.rows[0], position: before.rows.length, round: 99 }
    await writeFile('record.json.partial', [{ ...before, rows: [] }, ...before.rows, row].map((one) => `${JSON.stringify(one)}\n`).join(''))
    expect(blame(await run(['sweep', '--resume', 'record.json']))).toContain(`row ${before.rows.length} of record.json`)
  })

  it.each<[string, (record: BenchRecord) => unknown, string[], string]>([
    ['of another command', (record) => ({ ...record, command: 'sizes' }), [], 'is a record of bench sizes, not of bench sweep'],
    ['that is complete', (record) => ({ ...record, complete: true }), [], 'is complete: nothing is left to measure'],
    ['of another version', (record) => ({ ...record, schemaVersion: 99 }), [], 'is a record of version 99'],
    ['with other options', (record) => record, ['--rounds', '7'], 'was measured with --rounds 6, not --rounds 7'],
    ['with an option that it had by default', (record) => record, ['--size', '1K'], 'with the default of --size, not --size 1K'],
    ['of another seed', (record) => ({ ...record, seed: 1 }), ['--seed', '2'], 'with --seed 1, not --seed 2'],
    ['of another kernel', (record) => ({ ...record, host: { ...record.host, kernel: '4.19' } }), [], 'another kernel ("4.19"; now'],
    ['of another program', (record) => ({ ...record, host: { ...record.host, commit: 'abc' } }), [], 'another commit of this program'],
    [
      'with other settings',
      (record) => ({ ...record, options: { ...record.options, sendBufferBytes: 1 } }),
      [],
      'another sendBufferBytes (1;',
    ],
    [
      'whose turns are others',
      (record) => ({ ...record, seed: (record.seed ^ 1) >>> 0, rows: record.rows.map((one) => ({ ...one, round: 5 })) }),
      [],
      'begin a new run',
    ],
    ['without its options', ({ arguments: _removed, ...record }) => record, [], 'does not tell the options'],
  ])('refuses a record %s, in one line', async (_name, change, more, expected) => {
    const record = await interrupted()
    const text = JSON.stringify(change(record))
    await writeFile('record.json', text)
    const outcome = await run(['sweep', '--resume', 'record.json', ...more])
    expect(blame(outcome)).toContain(expected)
    expect(outcome.status).toBe(2)
    expect(await readFile('record.json', 'utf8')).toBe(text)
  })

  it('refuses a damaged journal, and a file that is none', async () => {
    await interrupted()
    await rename('record.json', 'record.json.partial')
    expect(blame(await run(['sweep', '--resume', 'record.json']))).toMatch(/record\.json\.partial is (damaged|not a record)/u)
    expect(blame(await run(['sweep', '--resume', 'none.json']))).toContain('Cannot read the record none.json')
  })

  it('says so when nothing was measured, and writes nothing', async () => {
    const outcome = await run(['sweep', ...args, ...rounds, ...there], (text) => {
      if (text.includes('measurements, about')) process.emit('SIGINT')
    })
    expect(blame(outcome)).toContain('before anything was measured')
    expect(outcome.status).toBe(130)
    expect(await readdir('.')).toEqual([])
  })
})
