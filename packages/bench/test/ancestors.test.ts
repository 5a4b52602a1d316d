import { existsSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { readRecord } from '../src/record/record-file.js'
import { ancestorsTables } from '../src/tables/ancestors-table.js'
import { blame, inFolderOfItsOwn, run } from './bench-run.js'
import { row } from './rows.js'

const TIMEOUT_MS = 120_000
inFolderOfItsOwn()
const short = ['--rounds', '2', '--runtime-ms', '20', '--json', 'record.json']

// That what arrives is what was sent is verified in packages/socket/test/page-sender.test.ts.
describe('bench ancestors, end to end', { timeout: TIMEOUT_MS }, () => {
  it('sends the same bytes by each path, and says that the older ones never tell when the memory is free', async () => {
    const outcome = await run(['ancestors', '--sizes', '4K,1M', ...short])
    expect(outcome).toMatchObject({ status: 0 })
    expect(outcome.stdout).toContain('TCPv4, 1048576 bytes a send')
    expect(outcome.stdout).toMatch(/^vmsplice .*nobody tells +-$/mu)
    expect(outcome.stdout).toMatch(/^errqueue-recvmmsg .*when notified +100%$/mu)
    expect(outcome.stdout).toContain('vmsplice without SPLICE_F_GIFT lends')
    const { rows, command } = await readRecord('record.json')
    expect(command).toBe('ancestors')
    expect(rows).toHaveLength(5 * 2 * 2)
    for (const { backend, sends, bytes, sizeBytes, callsPerSend, copiedSends } of rows) {
      expect(sends).toBeGreaterThan(0)
      if (['copy', 'errqueue-recvmmsg'].includes(backend)) continue
      expect(copiedSends).toBeNull()
      // A part of a message may be on its way when the clock stops.
      expect(bytes).toBeGreaterThanOrEqual(sends * sizeBytes)
      expect(callsPerSend).toBeGreaterThanOrEqual(backend === 'sendfile' ? 1 : 2)
    }
  })

  it.each([
    [['--transports', 'udp4'], 'unknown "udp4"'],
    [['--ancestors', 'tee'], 'unknown "tee"'],
    [['--to', 'host.invalid:9'], '"host.invalid" has no address'],
  ])('says in one line what it cannot do: %j', async (args, expected) => {
    const outcome = await run(['ancestors', ...args, ...short])
    expect(outcome.status).toBe(2)
    expect(blame(outcome)).toContain(expected)
    expect(existsSync('record.json')).toBe(false)
  })
})

it('the table has gain and cost over copy, and when the memory is free', () => {
  const unknown = { copiedSends: null, zerocopySends: null }
  const rows = [0, 1, 2].flatMap((round) => [
    row({ round, backend: 'copy', cpuUserUs: 0, cpuSystemUs: 1_000 }),
    row({ round, backend: 'sendfile', bytes: 130_000_000, cpuUserUs: 0, cpuSystemUs: 1_000, ...unknown }),
  ])
  const lines = ancestorsTables(rows)
  expect(lines.at(-1)).toMatch(/^sendfile +13000 ±0% +\+100\.0% \[\+100\.0, \+100\.0\] +7\.7 +50 \[50, 50\] +2\.50 +nobody tells +-$/u)
})
