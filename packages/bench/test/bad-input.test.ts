import { readdir, writeFile } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import { blame, inFolderOfItsOwn, run } from './bench-run.js'
import { record } from './rows.js'

const TIMEOUT_MS = 120_000
inFolderOfItsOwn()

/** Every command that leaves a record. */
const MEASURING = ['sweep', 'sizes', 'lo', 'ancestors', 'profile', 'rpc', 'paper', 'peers', 'connections', 'latency'] as const

/** Those that can send to another machine, with what makes them short. */
const REMOTE = {
  sweep: ['--intervals', '8', '--levels', 'driver', '--backends', 'copy'],
  sizes: ['--sizes', '4K', '--levels', 'driver', '--backends', 'copy'],
  ancestors: ['--sizes', '4K', '--backends', 'copy'],
  rpc: ['--backends', 'errqueue-recvmmsg'],
  connections: ['--counts', '1', '--levels', 'driver', '--backends', 'copy'],
  latency: ['--rates', '2000', '--backends', 'copy'],
  peers: ['--intervals', '1', '--backends', 'copy'],
} as const

describe.each(MEASURING)('bench %s', { timeout: TIMEOUT_MS }, (command) => {
  it.each<[string, string[], string]>([
    ['an unknown transport', ['--transports', 'tcp4,sctp'], '--transports: unknown "sctp"; known are tcp4'],
    ['an unknown backend', ['--backends', 'teleport'], '--backends: unknown "teleport"'],
    ['an unknown option', ['--colour', 'red'], "Unknown option '--colour'"],
    ['no rounds', ['--rounds', '0'], '--rounds: "0" is not a whole number from 1 to'],
    ['a folder that cannot be', ['--json', 'file/record.json', '--rounds', '1'], 'Cannot write the record file/record.json'],
    ['a record of another version', ['--resume', 'version.json'], 'version.json is a record of version 99; this program reads version 1'],
    ['a truncated record', ['--resume', 'truncated.json'], 'truncated.json is not a whole record (truncated, or not JSON)'],
    ['a record of another command', ['--resume', 'other.json'], 'other.json is a record of bench other, not of bench '],
    ['a record that is not there', ['--resume', 'none.json'], 'Cannot read the record none.json'],
  ])('given %s, says so in one line, and leaves nothing', async (_name, args, expected) => {
    const files = { 'version.json': { ...record(), schemaVersion: 99 }, 'other.json': { ...record(), command: 'other' }, file: 0 }
    for (const [name, content] of Object.entries(files)) await writeFile(name, JSON.stringify(content))
    await writeFile('truncated.json', JSON.stringify(record()).slice(0, 300))
    const outcome = await run([command, ...args])
    expect(blame(outcome)).toContain(expected)
    expect(outcome.status).toBe(2)
    expect((await readdir('.')).sort()).toEqual(['file', 'other.json', 'truncated.json', 'version.json'])
  })
})

describe('what bench peers cannot compare', () => {
  it.each<[string, string[], string]>([
    ['an unknown level', ['--levels', 'kernel'], '--levels: unknown "kernel"; known are driver, writer'],
    ['no bytes', ['--size', '0'], '--size: "0" is not a whole number from 1 to'],
    ['more than a datagram', ['--size', '64K', '--transports', 'udp4'], '--size: 65536 bytes do not fit one udp4 datagram'],
    [
      'more than a C program sends',
      ['--size', '1M', '--backends', 'uring', '--transports', 'tcp4'],
      'the C programs, whose sends hold at most 65435',
    ],
    ['no level of that path', ['--levels', 'driver', '--backends', 'copy'], 'No comparison has driver level with copy'],
    ['another machine without a port', ['--to', 'elsewhere'], '--to: "elsewhere" is not HOST:PORT'],
  ])('%s ends in one line, and leaves nothing', async (_name, args, expected) => {
    const outcome = await run(['peers', ...args])
    expect(blame(outcome)).toContain(expected)
    expect(outcome.status).toBe(2)
    expect(await readdir('.')).toEqual([])
  })
})

describe('a receiver that is not there', { timeout: TIMEOUT_MS }, () => {
  it.each(Object.entries(REMOTE))('ends bench %s in one line, and leaves nothing', async (command, args) => {
    const outcome = await run([command, ...args, '--transports', 'tcp4', '--rounds', '1', '--to', '127.0.0.1:1', '--json', 'record.json'])
    expect(blame(outcome)).toMatch(/refused/iu)
    expect(outcome.status).toBe(1)
    expect(await readdir('.')).toEqual([])
  })
})
