import { execFileSync, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { describe, expect, it } from 'vitest'
import { isStream } from '../../src/cells/cell.js'
import { BenchFailure } from '../../src/cli/failure.js'
import { readRecord } from '../../src/record/record-file.js'
import { wayOf } from '../../src/report/environment.js'
import { WireMeter } from '../../src/wire/wire-meter.js'
import { NAMESPACE_PREFIX, sweepNamespaces, WIRE_ADDRESSES } from '../../src/wire/wire-namespace.js'
import { wireOf, wireSettings } from '../../src/wire/wire-options.js'
import { failureText } from '../../src/wire/wire-peer.js'
import { firstRowKept, inFolderOfItsOwn, start } from '../bench-run.js'
import { row } from '../rows.js'
import { needs, obstacle, openStage } from './wire-stage.js'

const TIMEOUT_MS = 120_000
inFolderOfItsOwn()

/** Namespaces that a process has made: other tests have theirs at the same time. */
function namespacesOf(pid: number | undefined): string[] {
  const names = execFileSync('ip', ['netns', 'list'], { encoding: 'utf8' }).split('\n')
  return names.filter((name) => name.startsWith(`${NAMESPACE_PREFIX}${pid}-`))
}

/** Runs the program to its end, in a process of its own. */
async function bench(args: readonly string[]): Promise<{ status: unknown; stdout: string; stderr: string; left: string[] }> {
  const child = await start(args)
  let [stdout, stderr] = ['', '']
  child.stdout?.on('data', (text: Buffer) => {
    stdout += text.toString()
  })
  child.stderr?.on('data', (text: Buffer) => {
    stderr += text.toString()
  })
  const [status] = (await once(child, 'close')) as [unknown]
  return { status, stdout, stderr, left: namespacesOf(child.pid) }
}

describe('the options of the wire', () => {
  const none = {
    wire: false,
    'rtt-us': undefined,
    loss: undefined,
    'ack-every': undefined,
    mss: undefined,
    mtu: undefined,
    window: undefined,
  }

  it('are refused without --wire, and the wire beside another machine', () => {
    expect(wireOf(none)).toBeUndefined()
    expect(() => wireOf({ ...none, loss: 0.1 })).toThrow('--loss is an option of the wire: add --wire.')
    expect(() => wireOf({ ...none, wire: true, to: { host: 'there', port: 1 } })).toThrow(/^--wire and --to/)
  })

  it('fit each other', () => {
    expect(wireSettings({ ...none, mtu: 1_500 })).toMatchObject({ mtuBytes: 1_500, mssBytes: 1_460 })
    expect(() => wireSettings({ ...none, mtu: 1_500, mss: 1_461 })).toThrow(
      '--mss: 1461 bytes and 40 of headers do not fit an MTU of 1500.',
    )
  })
})

describe('a wire that does not work', () => {
  it('is told in one line, with cause and remedy', () => {
    expect(failureText('{"failed":"clsact","errno":2,"message":"No such file or directory"}\n')).toBe(
      'The wire does not work here: clsact: No such file or directory (errno 2); the kernel lacks clsact: modprobe sch_ingress (CONFIG_NET_SCH_INGRESS).',
    )
    expect(failureText('Segmentation fault')).toBe('The wire does not work here: Segmentation fault')
  })

  it.runIf(process.geteuid?.() === 0)('tells who is not root to be (needs root, who can be another)', async () => {
    const child = await start(['sizes', '--wire', '--rounds', '1'], { prefix: ['unshare', '--user'] })
    let stderr = ''
    child.stderr?.on('data', (text: Buffer) => {
      stderr += text.toString()
    })
    const [status] = (await once(child, 'close')) as [unknown]
    expect(status).toBe(2)
    expect(stderr.trim()).toMatch(/^bench: .*(run it as root|cache)/u)
    expect(stderr.trim().split('\n')).toHaveLength(1)
  })
})

describe.runIf(obstacle === undefined)(`bench over the wire${needs}`, { timeout: TIMEOUT_MS }, () => {
  it('shares memory with what leaves, over every transport, and accounts for every byte', async () => {
    const args = ['--transports', 'tcp4,tcp6,udp4,udp6', '--backends', 'copy,errqueue-recvmmsg,uring', '--sizes', '4K,60000']
    const outcome = await bench(['sizes', '--wire', ...args, '--rounds', '1', '--runtime-ms', '30', '--json', 'record.json'])
    expect(outcome, outcome.stderr).toMatchObject({ status: 0 })
    const record = await readRecord('record.json')
    expect(record.path).toMatchObject({ kind: 'wire', host: null, wire: { rttUs: 0, lossShare: 0, mssBytes: 1_460 } })
    expect(wayOf(record)).toBe('wire')
    expect(record.rows).toHaveLength(48)
    for (const { wire, transport, bytes, sizeBytes, sends, backend, copiedSends, zerocopySends } of record.rows) {
      expect(wire?.newBytes).toBe(wire?.sentBytes)
      expect(wire?.newBytes).toBeGreaterThanOrEqual(bytes)
      expect(wire?.ringDrops).toBe(0)
      if (!isStream(transport)) expect(bytes).toBe(sends * sizeBytes)
      if (backend === 'errqueue-recvmmsg') expect([copiedSends, (zerocopySends ?? 0) > 0]).toEqual([0, true])
      if (backend === 'copy') expect(zerocopySends).toBe(0)
    }
    expect(record.notes.join('\n')).toContain(
      'over loopback, in the same namespace, the kernel reported 64 of 64 zero-copy sends as copied',
    )
    expect(outcome.stdout).toContain('nobody reads them')
    expect(outcome.left).toEqual([])
  })

  it('has latency, connections and sweep; a loss and a round trip are in their records', async () => {
    const common = ['--wire', '--backends', 'errqueue-recvmmsg', '--rounds', '1', '--json', 'record.json']
    const latency = await bench(['latency', ...common, '--rates', '1000', '--runtime-ms', '1000', '--rtt-us', '3000'])
    expect(latency, latency.stderr).toMatchObject({ status: 0 })
    const record = await readRecord('record.json')
    expect(wayOf(record)).toBe('wire, round trip 3000 µs')
    expect(record.rows[0]?.latency?.released.p50Us).toBeGreaterThanOrEqual(3_000)
    const connections = await bench(['connections', ...common, '--counts', '1,300', '--runtime-ms', '50', '--transports', 'tcp6'])
    expect(connections, connections.stderr).toMatchObject({ status: 0 })
    const lossy = await bench(['sweep', ...common, '--transports', 'tcp4', '--intervals', '8', '--runtime-ms', '100', '--loss', '0.01'])
    expect(lossy, lossy.stderr).toMatchObject({ status: 0 })
    const { rows } = await readRecord('record.json')
    for (const { wire } of rows) {
      expect(wire?.newBytes).toBe(wire?.sentBytes)
      expect(wire?.bytes).toBeGreaterThan(wire?.newBytes ?? 0)
    }
  })

  it("has the paper's tables, from C and from ours", async () => {
    const args = ['--transports', 'tcp6,udp6', '--intervals', '1,32', '--backends', 'uring', '--levels', 'selftest,driver']
    const outcome = await bench(['paper', '--wire', ...args, '--rounds', '1', '--runtime-ms', '30', '--json', 'record.json'])
    expect(outcome, outcome.stderr).toMatchObject({ status: 0 })
    const { rows } = await readRecord('record.json')
    expect(rows).toHaveLength(2 * 2 * (3 + 2))
    for (const { wire, bytes, copiedSends, level, backend } of rows) {
      expect(wire?.newBytes).toBeGreaterThanOrEqual(bytes)
      if (level === 'selftest' && backend === 'uring') expect(copiedSends).toBeNull()
      else if (level === 'selftest' || backend.startsWith('errqueue')) expect(copiedSends).toBe(0)
    }
    expect(outcome.stdout).toContain('UDPv6: gain in CPU time over recvmsg')
  })

  it('has sendfile and splice beside ours', async () => {
    const outcome = await bench(['ancestors', '--wire', '--sizes', '64K', '--rounds', '1', '--runtime-ms', '30', '--json', 'record.json'])
    expect(outcome, outcome.stderr).toMatchObject({ status: 0 })
    const { rows } = await readRecord('record.json')
    for (const { wire } of rows) expect([wire?.newBytes, wire?.ringDrops]).toEqual([wire?.sentBytes, 0])
    expect(rows.map(({ backend }) => backend)).toEqual(expect.arrayContaining(['copy', 'sendfile', 'splice']))
  })

  it('has the transports of lo that it can answer, and reads the heap of what it sends', async () => {
    const common = ['--wire', '--backends', 'copy,errqueue-recvmmsg']
    const lo = await bench(['lo', ...common, '--rounds', '1', '--runtime-ms', '30', '--json', 'record.json'])
    expect(lo, lo.stderr).toMatchObject({ status: 0 })
    const { rows } = await readRecord('record.json')
    expect(rows).toHaveLength(2 * 2)
    for (const { wire, backend, copiedSends, received } of rows) {
      expect([wire?.newBytes, received]).toEqual([wire?.sentBytes, undefined])
      if (backend !== 'copy') expect(copiedSends).toBe(0)
    }
    const raw = await bench(['lo', ...common, '--transports', 'raw4', '--json', 'raw.json'])
    expect(raw).toMatchObject({ status: 2, stderr: 'bench: --wire: raw4 go over no wire; leave it out of --transports.\n' })
    const heap = await bench(['heap', ...common, '--transports', 'udp4', '--sends', '20000'])
    expect(heap.stdout, heap.stderr).toMatch(/^udp4 +errqueue-recvmmsg +\d/mu)
  })

  it('ends with its record and without its namespace on SIGINT', async () => {
    const kept = firstRowKept()
    const child = await start(['sizes', '--wire', '--rounds', '100', '--json', 'record.json'])
    child.stdout?.resume()
    child.stderr?.resume()
    await kept
    child.kill('SIGINT')
    expect(await once(child, 'close')).toEqual([130, null])
    expect((await readRecord('record.json')).complete).toBe(false)
    expect(namespacesOf(child.pid)).toEqual([])
  })

  it('ends with the process that made it, and the next one removes what a killed one left', async () => {
    const kept = firstRowKept()
    const child = await start(['sizes', '--wire', '--rounds', '100', '--json', 'record.json'])
    await kept
    child.kill('SIGKILL')
    // The pipes end with the last process that has them.
    await once(child, 'close')
    expect((await readRecord('record.json')).complete).toBe(false)
    expect(namespacesOf(child.pid)).toHaveLength(1)
    sweepNamespaces()
    expect(namespacesOf(child.pid)).toEqual([])
  })

  it('runs a command in it, with its exit status', async () => {
    const program =
      'const s=require("net").connect(9,process.env.SENDZC_WIRE_HOST6,()=>s.end("x".repeat(100000)));s.resume().on("close",()=>process.exit(3))'
    const outcome = await bench(['wire', '--ack-every', '2', '--', process.execPath, '-e', program])
    expect(outcome, outcome.stderr).toMatchObject({ status: 3 })
    expect(outcome.stderr).toMatch(/^tcp: 100000 bytes in \d+ segments .*connections 1,/mu)
    expect(outcome.left).toEqual([])
  })

  it('is a client of a server of ours', async () => {
    const program = `
      const body = Buffer.alloc(20000, 97)
      const server = require('http').createServer((request, response) => response.writeHead(200, { 'content-length': body.length }).end(body))
      server.listen(8080, process.env.SENDZC_WIRE_OWN4)
      setTimeout(() => process.exit(0), 1500)`
    const args = ['--client', '8080', '--connections', '200', '--response-bytes', String(await responseBytes())]
    const outcome = await bench(['wire', ...args, '--', process.execPath, '-e', program])
    expect(outcome, outcome.stderr).toMatchObject({ status: 0 })
    const [, connected, responses] = /^client: (\d+) connections .* (\d+) responses/mu.exec(outcome.stderr) ?? []
    expect(Number(connected)).toBe(200)
    expect(Number(responses)).toBeGreaterThan(400)
  })

  it('a row whose sender counts other bytes than those that left is refused', async () => {
    await using stage = await openStage()
    const meter = new WireMeter(stage.peer)
    const measured = (lie: number): Promise<unknown> =>
      meter.measured(async () => {
        const program = `const s=require("net").connect(9,"${WIRE_ADDRESSES.far4}",()=>s.end("x".repeat(5000)));s.resume()`
        const [command, ...args] = stage.namespace.command(process.execPath, '-e', program)
        expect(spawnSync(command, args).status).toBe(0)
        return { row: row(), sentBytes: 5_000 + lie }
      })
    expect(await measured(0)).toMatchObject({ wire: { newBytes: 5_000, sentBytes: 5_000, ringDrops: 0 } })
    await expect(measured(1)).rejects.toThrow(BenchFailure)
    await expect(measured(-1)).rejects.toThrow('4999 bytes were sent, and the classifier saw 5000 leave')
  })
})

/** Bytes of the response of the server above, headers included. */
async function responseBytes(): Promise<number> {
  const server = createServer((_, response) => response.writeHead(200, { 'content-length': 20_000 }).end(Buffer.alloc(20_000, 97)))
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const { port } = server.address() as { port: number }
  const { connect } = await import('node:net')
  const socket = connect(port, '127.0.0.1')
  socket.write('GET / HTTP/1.1\r\nHost: wire\r\n\r\n')
  let text = Buffer.alloc(0)
  for await (const chunk of socket as AsyncIterable<Buffer>) {
    text = Buffer.concat([text, chunk])
    const end = text.indexOf('\r\n\r\n')
    if (end >= 0 && text.length >= end + 4 + 20_000) break
  }
  server.close()
  server.closeAllConnections()
  return text.length
}
