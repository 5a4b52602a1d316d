import { existsSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { readRecord } from '../src/record/record-file.js'
import { filesTables } from '../src/tables/files-table.js'
import { blame, inFolderOfItsOwn, run } from './bench-run.js'
import { row } from './rows.js'

const TIMEOUT_MS = 120_000
inFolderOfItsOwn()
const short = ['--rounds', '2', '--runtime-ms', '20', '--json', 'record.json']

describe('bench files, end to end', { timeout: TIMEOUT_MS }, () => {
  it('sends files in each way, and all of each file', async () => {
    const outcome = await run(['files', '--sizes', '64K', '--backends', 'copy,errqueue-recvmmsg', ...short])
    expect(outcome).toMatchObject({ status: 0 })
    expect(outcome.stdout).toMatch(/^writeFile\(\), errqueue-recvmmsg /mu)
    expect(outcome.stdout).toMatch(/^sendfile\(2\) in C .* 1\.000 \[1\.000, 1\.000\]/mu)
    const { rows, command } = await readRecord('record.json')
    expect(command).toBe('files')
    expect(rows).toHaveLength(5 * 2)
    for (const { sends, bytes, variant } of rows) {
      expect(sends).toBeGreaterThan(0)
      if (variant !== undefined) expect(bytes).toBe(sends * 65_536)
    }
  })

  it.each([
    [['--transports', 'udp4'], 'unknown "udp4"'],
    [['--backends', 'tee'], 'unknown "tee"'],
  ])('says in one line what it cannot do: %j', async (args, expected) => {
    const outcome = await run(['files', ...args, ...short])
    expect(outcome.status).toBe(2)
    expect(blame(outcome)).toContain(expected)
    expect(existsSync('record.json')).toBe(false)
  })
})

it('the table has the cost over the loop in C and over the stream', () => {
  const rows = [0, 1, 2].flatMap((round) => [
    row({ round, backend: 'sendfile', cpuUserUs: 0, cpuSystemUs: 1_000 }),
    row({ round, backend: 'net.Socket.write', variant: 'createReadStream', cpuUserUs: 1_000, cpuSystemUs: 3_000 }),
    row({ round, backend: 'copy', level: 'writer', variant: 'writeFile', cpuUserUs: 500, cpuSystemUs: 1_000 }),
  ])
  expect(filesTables(rows).at(-1)).toMatch(/^writeFile\(\), copy .* 1\.500 \[1\.500, 1\.500\] +0\.375 \[0\.375, 0\.375\]$/u)
})
