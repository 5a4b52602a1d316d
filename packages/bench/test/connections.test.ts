import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { startReceiver } from '@sendzc/socket'
import { describe, expect, it } from 'vitest'
import type { BackendLabel } from '../src/cells/cell.js'
import { connectTo } from '../src/ends/connect.js'
import { descriptorLimit, ensureDescriptors } from '../src/ends/descriptors.js'
import { makePayload } from '../src/ends/payload.js'
import { socketSettings } from '../src/ends/socket-settings.js'
import { FleetDriverLoad } from '../src/loads/fleet-driver-load.js'
import { backendFor } from '../src/machine/backends.js'
import type { Row } from '../src/record/record.js'
import { readRecord } from '../src/record/record-file.js'
import { connectionsTable } from '../src/tables/connections-table.js'
import { benchProgram, inFolderOfItsOwn, run } from './bench-run.js'
import { row } from './rows.js'

const TIMEOUT_MS = 120_000
/** capabilities(7): CAP_SYS_RESOURCE is bit 24; a container's root often lacks it. */
const mayRaise =
  ((BigInt(`0x${/^CapEff:\s*([0-9a-f]+)/mu.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? '0'}`) >> 24n) & 1n) === 1n
inFolderOfItsOwn()

const short = ['--backends', 'copy', '--levels', 'driver', '--rounds', '1', '--runtime-ms', '10', '--json', 'record.json']

/** Runs the program where so many descriptors may be open, behind `prefix` (a command that runs another). */
async function withDescriptors(
  limit: number,
  args: readonly string[],
  prefix: readonly string[] = [],
): Promise<ReturnType<typeof spawnSync>> {
  const node = [process.execPath, await benchProgram(), 'connections', ...args, ...short]
  const [file = '', ...rest] = [...prefix, 'prlimit', `--nofile=${limit}:${limit}`, ...node]
  return spawnSync(file, rest, { encoding: 'utf8' })
}

describe('bench connections, end to end', { timeout: TIMEOUT_MS }, () => {
  it('measures every path at every number of connections, and prints what a send costs', async () => {
    const args = ['--counts', '1,40', '--backends', 'copy,errqueue-recvmmsg,uring', '--rounds', '2', '--runtime-ms', '30']
    const outcome = await run(['connections', ...args, '--json', 'record.json'])
    expect(outcome).toMatchObject({ status: 0 })
    expect(outcome.stdout).toMatch(/^writer +tcp4 +uring +40 .* (\d\.\d\d \[.*\]|no difference) +100%$/mu)
    const { rows } = await readRecord('record.json')
    expect(rows).toHaveLength(2 * 3 * 2 * 2)
    for (const { connections, sends, zerocopySends, copiedSends } of rows) {
      expect([1, 40]).toContain(connections)
      // Every connection had its turn, and everything was released.
      expect(sends).toBeGreaterThan(connections)
      expect((zerocopySends ?? 0) + (copiedSends ?? 0)).toBeGreaterThanOrEqual(sends)
    }
  })

  it.each<BackendLabel>(['copy', 'errqueue-recvmsg', 'uring'])('goes on with connections that were full: %s', async (label) => {
    const settings = await socketSettings()
    await using receiver = await startReceiver({ protocol: 'tcp', family: 4 })
    const load = new FleetDriverLoad(backendFor(label, 1), makePayload(1_048_576))
    for (let i = 0; i < 3; i++) {
      // The fleet has a duplicate: closing this one must not end the connection.
      using socket = await connectTo('tcp4', receiver, settings, true)
      load.add(socket.fd)
    }
    await receiver.pause()
    // Far more than three sockets hold: it can only end once the peer reads.
    const running = load.run(300)
    await receiver.resume()
    await running
    await load.drain()
    const { bytes } = load.totals()
    expect((await receiver.waitFor({ bytes })).bytes).toBe(bytes)
    await load.close()
  })

  it('says in one line that the limit of descriptors is too low', async () => {
    // Not by another user: a Node.js in somebody's home is not his to run.
    const without = mayRaise ? ['setpriv', '--inh-caps=-sys_resource', '--bounding-set=-sys_resource'] : []
    const { status, stderr } = await withDescriptors(500, ['--counts', '400'], without)
    expect(
      String(stderr)
        .split('\n')
        .filter((line) => line.startsWith('bench: ')),
    ).toEqual([
      expect.stringMatching(
        /^bench: 720 descriptors are needed, and the limit of this process is 500.*measure fewer connections than 400/u,
      ),
    ])
    expect(status).toBe(2)
    expect(await readdir('.')).toEqual([])
  })

  it.runIf(mayRaise)('raises the limit where it may (needs CAP_SYS_RESOURCE)', async () => {
    expect(await withDescriptors(500, ['--counts', '400'])).toMatchObject({ status: 0 })
    expect((await readRecord('record.json')).rows.map(({ connections }) => connections)).toEqual([400])
  })
})

describe('the table of connections', () => {
  const rounds = (connections: number, us: number, drift = 0): Row[] =>
    [0, 1, 2].map((round) => row({ round, connections, cpuUserUs: 0, cpuSystemUs: us * 1_000 + drift * (round - 1) }))

  it('has the cost over that at the fewest, paired by round, and calls what straddles 1.00 no difference', () => {
    const lines = connectionsTable([...rounds(1, 10), ...rounds(100, 15), ...rounds(1_000, 10, 500)])
    expect(lines.find((line) => / 100 /u.test(line))).toMatch(/15\.00 ±0% .* 1\.50 \[1\.50, 1\.50\] +100%$/u)
    expect(lines.find((line) => / 1000 /u.test(line))).toMatch(/ no difference +100%$/u)
  })
})

describe('the limit of descriptors', () => {
  it('is read from what the kernel tells', () => {
    expect(descriptorLimit('Max open files            1024                 4096                 files     \n')).toBe(1_024)
    expect(descriptorLimit('Max open files            unlimited            unlimited            files     \n')).toBe(
      Number.POSITIVE_INFINITY,
    )
  })

  it('is left alone where it is enough', () => {
    const before = descriptorLimit()
    ensureDescriptors(1, 'nothing')
    expect(descriptorLimit()).toBe(before)
  })
})
