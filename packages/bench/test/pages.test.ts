import { expect, it } from 'vitest'
import { readRecord } from '../src/record/record-file.js'
import { pagesTable } from '../src/tables/pages-table.js'
import { inFolderOfItsOwn, run } from './bench-run.js'
import { row } from './rows.js'

inFolderOfItsOwn()

it('bench pages sends from huge and from small pages', { timeout: 120_000 }, async () => {
  const outcome = await run(['pages', '--sizes', '64K', '--rounds', '2', '--runtime-ms', '20', '--json', 'record.json'])
  if (outcome.stderr.includes('gives no huge pages')) return expect(outcome.status).toBe(1)
  expect(outcome).toMatchObject({ status: 0 })
  const { rows } = await readRecord('record.json')
  expect(rows.map(({ variant }) => variant).sort()).toEqual(['huge', 'huge', 'small', 'small'])
  for (const { sends } of rows) expect(sends).toBeGreaterThan(0)
})

it('the table has the cost of huge pages over small ones', () => {
  const rows = [0, 1, 2].flatMap((round) => [
    row({ round, variant: 'huge', cpuUserUs: 0, cpuSystemUs: 800 }),
    row({ round, variant: 'small', cpuUserUs: 0, cpuSystemUs: 1_000 }),
  ])
  expect(pagesTable(rows).at(-1)).toMatch(/ 0\.800 \[0\.800, 0\.800\] /u)
})
