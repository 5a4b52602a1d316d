import { readdirSync, readFileSync } from 'node:fs'
import { afterEach, describe, expect, test } from 'vitest'
import { allowedCpus, fillPattern, type OpenSocket, openSocket, type Receiver, type ReceiverOptions, startReceiver } from '../src/index.js'
import { receiverEntry } from '../src/receiver-entry.js'
import { fill, sendAll } from './sending.js'
import { fixtureEnd, spawnFixture } from './source-child.js'

const receivers: Receiver[] = []
const sockets: OpenSocket[] = []
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.close()
  for (const receiver of receivers.splice(0)) await receiver[Symbol.asyncDispose]()
})

async function receive(options: Partial<Extract<ReceiverOptions, { protocol: 'tcp' }>> = {}): Promise<Receiver> {
  const receiver = await startReceiver({ protocol: 'tcp', family: 4, ...options })
  receivers.push(receiver)
  return receiver
}

async function connect({ host, port }: Receiver, options: object = {}): Promise<OpenSocket> {
  const socket = await openSocket({ protocol: 'tcp', family: 4, host, port, ...options })
  sockets.push(socket)
  return socket
}

const alive = (pid: number) => {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))
  } catch {
    return false
  }
}

describe('counting', () => {
  test('1,000 connections, byte by byte', async () => {
    const receiver = await receive()
    const opened = await Promise.all(Array.from({ length: 1_000 }, () => connect(receiver)))
    for (const [index, socket] of opened.entries()) await sendAll(socket, new Uint8Array(index + 1))
    const bytes = (1_000 * 1_001) / 2
    expect(await receiver.waitFor({ bytes })).toMatchObject({ bytes, connectionsAccepted: 1_000, connectionsOpen: 1_000 })
    for (const socket of opened) socket.close()
    expect(await receiver.waitFor({ connectionsEnded: 1_000 })).toMatchObject({ connectionsClosed: 1_000, connectionsOpen: 0 })
    expect(await receiver.stop()).toMatchObject({ bytes, error: null })
  })

  test('a low-water mark hides no byte from report and waitFor', async () => {
    const receiver = await receive({ wakeBytes: 65_536 })
    const socket = await connect(receiver)
    await sendAll(socket, new Uint8Array(10))
    expect((await receiver.waitFor({ bytes: 10 })).bytes).toBe(10)
    await sendAll(socket, new Uint8Array(10))
    expect((await receiver.report()).bytes).toBe(20)
    await sendAll(socket, new Uint8Array(10))
    expect((await receiver.stop()).bytes).toBe(30)
  })

  test('connections above maxConnections wait until one ends', async () => {
    const receiver = await receive({ maxConnections: 2 })
    const [first] = [await connect(receiver), await connect(receiver), await connect(receiver)]
    expect(await receiver.waitFor({ connectionsAccepted: 2 })).toMatchObject({ connectionsAccepted: 2 })
    first.close()
    expect(await receiver.waitFor({ connectionsAccepted: 3 })).toMatchObject({ connectionsOpen: 2, connectionsClosed: 1 })
  })

  test('a long stream is verified over many reads', async () => {
    const receiver = await receive({ mode: 'verify', seed: 5 })
    const socket = await connect(receiver)
    const data = new Uint8Array(1_000_003)
    for (let i = 0; i < 20; i++) {
      fillPattern(data, { seed: 5, offset: i * data.byteLength })
      await sendAll(socket, data)
    }
    socket.close()
    const report = await receiver.waitFor({ connectionsEnded: 1 })
    expect(report).toMatchObject({ bytes: 20 * data.byteLength, verifyErrors: 0 })
    expect(report.cpuUserUs + report.cpuSystemUs).toBeGreaterThan(0)
    expect(report.seconds).toBeGreaterThan(0)
  })
})

describe('commands', () => {
  test('pause stalls the sender, resume lets it go on', async () => {
    const receiver = await receive()
    const socket = await connect(receiver)
    await receiver.waitFor({ connectionsAccepted: 1 })
    expect(await receiver.pause()).toMatchObject({ paused: true })
    const stuck = fill(socket, new Uint8Array(1 << 20))
    expect(await receiver.report()).toMatchObject({ bytes: 0, paused: true })
    await receiver.resume()
    expect(await receiver.waitFor({ bytes: stuck })).toMatchObject({ bytes: stuck, paused: false })
  })

  test('reset reaches the sender as ECONNRESET', async () => {
    const receiver = await receive()
    const socket = await connect(receiver)
    await receiver.waitFor({ connectionsAccepted: 1 })
    expect(await receiver.reset()).toMatchObject({ connectionsReset: 1, connectionsOpen: 0 })
    await expect(sendAll(socket, new Uint8Array(10))).rejects.toMatchObject({ code: 'ECONNRESET' })
    // It still accepts.
    await sendAll(await connect(receiver), new Uint8Array(10))
    await receiver.waitFor({ bytes: 10 })
  })

  test('waitFor is bounded, says what it got, and leaves the receiver usable', async () => {
    const receiver = await receive()
    const socket = await connect(receiver)
    await sendAll(socket, new Uint8Array(10))
    await receiver.waitFor({ bytes: 10 })
    const waiting = receiver.waitFor({ bytes: 11 }, { waitTimeoutMs: 100 })
    await expect(receiver.waitFor({ bytes: 11 })).rejects.toMatchObject({
      code: 'ERR_ZC_LIMIT',
      message: expect.stringContaining('at a time'),
    })
    await expect(waiting).rejects.toMatchObject({ code: 'ERR_ZC_LIMIT', message: expect.stringContaining('"bytes":10') })
    await sendAll(socket, new Uint8Array(1))
    expect((await receiver.waitFor({ bytes: 11 })).bytes).toBe(11)
  })

  test('stop is idempotent and ends the process', async () => {
    const receiver = await receive()
    const [one, two] = await Promise.all([receiver.stop(), receiver.stop()])
    expect(one).toBe(two)
    expect(await receiver.exited).toEqual({ code: 0, signal: null })
    await expect(receiver.report()).rejects.toMatchObject({ code: 'ERR_ZC_CLOSED' })
  })
})

describe('the process', () => {
  test('is pinned, all of its threads', async () => {
    const cpu = allowedCpus().at(-1) ?? 0
    const receiver = await receive({ cpu })
    for (const task of readdirSync(`/proc/${receiver.pid}/task`)) {
      expect(readFileSync(`/proc/${receiver.pid}/task/${task}/status`, 'utf8')).toMatch(new RegExp(`Cpus_allowed_list:\\s+${cpu}\\n`))
    }
  })

  test('killed: what waits is rejected, and the sender is reset', async () => {
    const receiver = await receive()
    const socket = await connect(receiver)
    await receiver.waitFor({ connectionsAccepted: 1 })
    const waiting = receiver.waitFor({ bytes: 1 << 30 })
    const rejected = expect(waiting).rejects.toMatchObject({ code: 'ERR_ZC_CLOSED', message: expect.stringContaining('SIGKILL') })
    await receiver.pause()
    fill(socket, new Uint8Array(1 << 20))
    expect(await receiver.kill()).toEqual({ code: null, signal: 'SIGKILL' })
    await rejected
    await expect(sendAll(socket, new Uint8Array(1 << 20))).rejects.toMatchObject({ code: expect.stringMatching(/ECONNRESET|EPIPE/) })
    await expect(receiver.stop()).rejects.toMatchObject({ code: 'ERR_ZC_CLOSED' })
  })

  test('ends with its parent, also when that is killed', async () => {
    const parent = await spawnFixture('starts-receiver')
    const end = fixtureEnd(parent)
    const pid = await new Promise<number>((resolve) => parent.stdout?.once('data', (text) => resolve(Number(text))))
    expect(alive(pid)).toBe(true)
    parent.kill('SIGKILL')
    expect((await end).signal).toBe('SIGKILL')
    await expect.poll(() => alive(pid), { timeout: 10_000 }).toBe(false)
  })

  test('runs the sources where what was compiled is not made from them', () => {
    expect(receiverEntry(() => true).main).toMatch(/dist\/receiver-main\.js$/)
    expect(receiverEntry(() => false)).toMatchObject({ main: expect.stringMatching(/src\/receiver-main\.ts$/) })
    expect(receiverEntry(() => false).execArgv).toContain('--conditions=@sendzc/source')
  })

  test('a start that fails has the cause of the process, and leaves none behind', async () => {
    const first = await receive()
    await expect(startReceiver({ protocol: 'tcp', family: 4, port: first.port })).rejects.toMatchObject({
      code: 'ERR_ZC_SYSTEM',
      errno: 'EADDRINUSE',
      syscall: 'bind',
    })
    await expect(startReceiver({ protocol: 'tcp', family: 4, startTimeoutMs: 1 })).rejects.toMatchObject({
      code: 'ERR_ZC_LIMIT',
      message: expect.stringContaining('startTimeoutMs'),
    })
  })
})
