import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { afterEach, describe, expect, it } from 'vitest'
import { countSamples } from '../src/machine/profiler.js'
import { readRecord } from '../src/record/record-file.js'
import { pathProfile, profileTables } from '../src/tables/profile-table.js'
import { blame, inFolderOfItsOwn, run } from './bench-run.js'
import { row } from './rows.js'

const TIMEOUT_MS = 120_000
const hasPerf = spawnSync('perf', ['--version']).error === undefined && process.geteuid?.() === 0
inFolderOfItsOwn()
const short = ['--rounds', '1', '--runtime-ms', '150', '--json', 'record.json']

const path = process.env.PATH
afterEach(() => {
  process.env.PATH = path
})

describe('bench profile, end to end', { timeout: TIMEOUT_MS }, () => {
  it.runIf(hasPerf)('finds the functions of the kernel that each path runs (needs perf and root)', async () => {
    const outcome = await run(['profile', '--backends', 'copy,errqueue-recvmmsg', ...short])
    expect(outcome).toMatchObject({ status: 0 })
    expect(outcome.stdout).toMatch(/^TCPv4, copy, driver level, 65000 bytes, interval 8: \d+ samples/mu)
    expect(outcome.stdout).toContain('copy_user_generic_string')
    const { rows, options } = await readRecord('record.json')
    expect(options.event).toMatch(/^(cycles|cpu-clock)$/u)
    expect(rows).toHaveLength(2)
    for (const { samples, symbols } of rows) {
      expect(samples).toBeGreaterThan(10)
      expect(symbols?.some(({ where }) => where === 'kernel')).toBe(true)
      expect(symbols?.reduce((sum, { share }) => sum + share, 0)).toBeLessThanOrEqual(1.000_001)
    }
    expect(await readdir('.')).toEqual(['record.json'])
  })

  it('without perf it says in one line how to get it', async () => {
    process.env.PATH = '/nonexistent'
    const outcome = await run(['profile', ...short])
    expect(outcome.status).toBe(2)
    expect(blame(outcome)).toContain('apt-get install linux-perf')
    expect(existsSync('record.json')).toBe(false)
  })
})

describe('samples', () => {
  it('are counted by symbol and place, and what is no sample is not', () => {
    const { samples, symbols } = countSamples([
      ' ffffffff81a2b3c4 tcp_sendmsg_locked ([kernel.kallsyms])',
      ' ffffffff81a2b3d4 tcp_sendmsg_locked ([kernel.kallsyms])',
      ' ffffffffc0001234 nft_do_chain ([nf_tables])',
      '          18dbd91 Builtins_Call (anonymous) (int) (/usr/bin/node)',
      '     7f5212981900 [unknown] (/memfd:doublemapper (deleted))',
      '     7f5212981900 LazyCompile:~run file:///x.js:1:2 (/tmp/perf-12.map)',
      '',
      'perf: a warning',
    ])
    expect(samples).toBe(6)
    expect(symbols.map(({ name, where, samples: count }) => [name, where, count])).toEqual([
      ['tcp_sendmsg_locked', 'kernel', 2],
      ['Builtins_Call (anonymous) (int)', 'node', 1],
      ['LazyCompile:~run file:///x.js:1:2', 'JavaScript', 1],
      ['nft_do_chain', 'kernel', 1],
      ['unknown', 'JavaScript', 1],
    ])
    expect(symbols[0]?.share).toBeCloseTo(2 / 6)
  })

  it('beyond those that a row keeps are added up by place', () => {
    const many = Array.from({ length: 70 }, (_, at) => ` ffffffff81a2b3c4 function_${at} ([kernel.kallsyms])`)
    const { samples, symbols } = countSamples([...many, ' ffffffff81a2b3c4 function_0 ([kernel.kallsyms])'])
    expect(symbols.at(-1)).toMatchObject({ name: 'all others', where: 'kernel', samples: 10 })
    const found = pathProfile([row({ samples, symbols })])
    expect(found.kernelShare).toBeCloseTo(1)
    expect(found.symbols).toHaveLength(60)
  })

  it('of all rounds are added up, and printed beside the slides’', () => {
    const symbols = (samples: number) => [{ name: 'tcp_ack', where: 'kernel', samples, share: samples / 100 }]
    const rows = [row({ samples: 100, symbols: symbols(30) }), row({ round: 1, samples: 300, symbols: symbols(10) })]
    expect(pathProfile(rows)).toMatchObject({ samples: 400, kernelShare: 0.1, symbols: [{ samples: 40, share: 0.1 }] })
    const lines = profileTables(rows, 5)
    expect(lines).toContainEqual(expect.stringMatching(/^10\.00% +40 +tcp_ack +kernel$/u))
    expect(lines).toContainEqual(expect.stringMatching(/^zc +30\.36% +gup_pte_range$/u))
  })
})
