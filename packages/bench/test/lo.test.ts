import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { chmod, readdir } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import { readRecord } from '../src/record/record-file.js'
import { loTable } from '../src/tables/lo-table.js'
import { benchProgram, blame, inFolderOfItsOwn, run } from './bench-run.js'
import { row } from './rows.js'

const TIMEOUT_MS = 120_000
const isRoot = process.geteuid?.() === 0
inFolderOfItsOwn()
const short = ['--rounds', '2', '--runtime-ms', '30', '--json', 'record.json']

describe('bench lo, end to end', { timeout: TIMEOUT_MS }, () => {
  it('counts at both ends what TCP and UDP carry, with and without zero-copy', async () => {
    const outcome = await run(['lo', '--transports', 'tcp4,udp4', ...short])
    expect(outcome).toMatchObject({ status: 0 })
    for (const flags of ['-t ', '-t -z', '-u ', '-u -z']) expect(outcome.stdout).toContain(flags)
    const { command, rows } = await readRecord('record.json')
    expect(command).toBe('lo')
    expect(rows).toHaveLength(2 * 2 * 2)
    for (const { transport, backend, sends, received, notifiedIds } of rows) {
      // On TCP a send may be cut; what was sent after the clock had stopped is received all the same.
      expect((received?.sends ?? 0) + (received?.dropped ?? 0)).toBeGreaterThanOrEqual(transport === 'tcp4' ? sends * 0.5 : sends)
      if (backend === 'copy') expect(notifiedIds).toBe(0)
      else expect(notifiedIds).toBeGreaterThanOrEqual(sends)
    }
  })

  it.runIf(isRoot)('counts RAW and PACKET, says of zero-copy there why not, and of VSOCK (needs root)', async () => {
    const outcome = await run(['lo', ...short])
    expect(outcome).toMatchObject({ status: 0 })
    const { rows, notes } = await readRecord('record.json')
    for (const transport of ['raw4', 'raw-hdrincl4', 'packet'] as const) {
      const own = rows.filter((one) => one.transport === transport)
      expect(own.map(({ backend }) => backend)).toEqual(['copy', 'copy'])
      for (const { sends, received } of own) expect((received?.sends ?? 0) + (received?.dropped ?? 0)).toBe(sends)
      expect(notes.join('\n')).toContain(
        `Left out: ${transport} with errqueue-recvmsg: errqueue: The protocol of this socket has no MSG_ZEROCOPY`,
      )
    }
    // The header that the sender writes is no payload.
    const [hdrincl] = rows.filter((one) => one.transport === 'raw-hdrincl4')
    expect(hdrincl?.received?.bytes).toBe((hdrincl?.received?.sends ?? 0) * (65_000 - 20))
    const hasVsock = rows.some(({ transport }) => transport === 'vsock')
    if (!hasVsock) expect(outcome.stdout).toMatch(/^VSOCK +any .*not here: see below$/mu)
  })

  // A Node.js in a folder of root's own, such as npx's, is closed to others.
  const othersMayRun = isRoot && spawnSync(process.execPath, ['--version'], { uid: 65_534, gid: 65_534 }).status === 0
  const needs = '(needs root, to give it up, and a Node.js that others can run)'
  it.runIf(othersMayRun)(`without permission for RAW it says so in one line, and leaves no record ${needs}`, async () => {
    await chmod('.', 0o777)
    const args = [await benchProgram(), 'lo', '--transports', 'udp4,raw4', ...short]
    const { status, stderr } = spawnSync(process.execPath, args, { uid: 65_534, gid: 65_534, encoding: 'utf8' })
    expect(stderr.split('\n').filter((line) => line.startsWith('bench: '))).toEqual([
      expect.stringMatching(/^bench: raw4: .*CAP_NET_RAW.*Or leave it out: --transports tcp4,udp4\.$/u),
    ])
    expect(status).toBe(2)
    expect(await readdir('.')).toEqual([])
  })

  it.each([
    [['--transports', 'sctp'], 'unknown "sctp"'],
    [['--backends', 'auto'], 'unknown "auto"'],
    [['--transports', 'raw4', '--size', '65520'], 'do not fit one raw4 message (at most 65515)'],
    [['--transports', 'udp4', '--size', '65520'], 'do not fit one udp4 message'],
    [['--size', '8'], 'hold no header'],
  ])('says in one line what it cannot do: %j', async (args, expected) => {
    const outcome = await run(['lo', ...args, ...short])
    expect(outcome.status).toBe(2)
    expect(blame(outcome)).toContain(expected)
    expect(existsSync('record.json')).toBe(false)
  })
})

describe('the table of lo', () => {
  it('has rx, tx and txc, the gain of zero-copy and the slides’, and a line for what there is not', () => {
    const cells = [0, 1, 2].flatMap((round) => [
      row({ round, backend: 'copy', sends: 100, bytes: 6_500_000, notifiedIds: 0, received: { sends: 99, bytes: 6_435_000, dropped: 1 } }),
      row({ round, sends: 150, bytes: 9_750_000, notifiedIds: 150, received: { sends: 150, bytes: 9_750_000, dropped: 0 } }),
    ])
    const [, , copy, errqueue, raw] = loTable(cells, [{ transport: 'raw4', backend: 'errqueue-recvmsg', why: 'it has none' }])
    expect(copy).toMatch(/^TCPv4 +-t +copy +99 +6 +100 +7 +0 +1 +100%$/u)
    expect(errqueue).toMatch(/-t -z +errqueue-recvmsg +150 +10 +150 +10 +150 +0 +\+50\.0% \[\+50\.0, \+50\.0\] +\+135% +100%$/u)
    expect(raw).toMatch(/-r -z +errqueue-recvmsg +- .*not here: see below$/u)
  })
})
