import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, constants, mkdtempSync, openSync, rmSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ZeroCopyError } from '@sendzc/core'
import { tcpPairs } from '@sendzc/core/conformance'
import type { DriverSink } from '@sendzc/core/driver'
import { listen, openSocket } from '@sendzc/socket'
import { describe, expect, it } from 'vitest'
import { URING_LIMITS, type UringOptions, uring } from '../src/index.js'

const silent: DriverSink = { sent: () => undefined, released: () => undefined, wake: () => undefined }

function openOn(fd: number, maxInFlight = 4): ZeroCopyError {
  try {
    uring().open({ fd, sink: silent, maxInFlight }).close()
  } catch (error) {
    if (ZeroCopyError.is(error)) return error
    throw error
  }
  throw new Error('open succeeded')
}

describe('open', () => {
  it('refuses a descriptor that is closed: ERR_ZC_BAD_DESCRIPTOR', () => {
    const fd = openSync('/dev/null', 'r')
    closeSync(fd)
    expect(openOn(fd)).toMatchObject({ code: 'ERR_ZC_BAD_DESCRIPTOR', errno: 'EBADF' })
    expect(openOn(-1)).toMatchObject({ code: 'ERR_ZC_BAD_DESCRIPTOR', errno: 'EBADF' })
  })

  it('refuses a file: ERR_ZC_NOT_A_SOCKET', () => {
    const fd = openSync('/dev/null', 'r')
    expect(openOn(fd)).toMatchObject({ code: 'ERR_ZC_NOT_A_SOCKET', errno: 'ENOTSOCK' })
    closeSync(fd)
  })

  it('refuses a pipe: ERR_ZC_NOT_A_SOCKET', () => {
    const folder = mkdtempSync(join(tmpdir(), 'sendzc-pipe-'))
    execFileSync('mkfifo', [join(folder, 'pipe')])
    const fd = openSync(join(folder, 'pipe'), constants.O_RDWR)
    expect(openOn(fd)).toMatchObject({ code: 'ERR_ZC_NOT_A_SOCKET', errno: 'ENOTSOCK' })
    closeSync(fd)
    rmSync(folder, { recursive: true })
  })

  it('refuses AF_UNIX: ERR_ZC_UNSUPPORTED_SOCKET', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'sendzc-unix-'))
    const path = join(folder, 'socket')
    const server = createServer().listen(path)
    await once(server, 'listening')
    const accepted = once(server, 'connection')
    const client = connect(path)
    await once(client, 'connect')
    const [peer] = await accepted
    const { fd } = (client as unknown as { _handle: { fd: number } })._handle
    expect(openOn(fd)).toMatchObject({ code: 'ERR_ZC_UNSUPPORTED_SOCKET' })
    client.destroy()
    peer.destroy()
    server.close()
    rmSync(folder, { recursive: true })
  })

  it('refuses what is not connected: ERR_ZC_NOT_CONNECTED', async () => {
    const server = createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { fd } = (server as unknown as { _handle: { fd: number } })._handle
    expect(openOn(fd)).toMatchObject({ code: 'ERR_ZC_NOT_CONNECTED', errno: 'ENOTCONN' })
    server.close()
  })

  it('takes accepted sockets as well as connected ones', async () => {
    using server = await listen({ protocol: 'tcp', family: 4, host: '127.0.0.1' })
    using client = await openSocket({ protocol: 'tcp', family: 4, host: '127.0.0.1', port: server.port })
    using accepted = await server.accept()
    for (const { fd } of [client, accepted]) {
      const driver = uring().open({ fd, sink: silent, maxInFlight: 1 })
      expect(driver.kind).toBe('stream')
      expect(driver.close()).toBe(0)
    }
  })

  it('refuses a protocol without zero-copy: ERR_ZC_UNSUPPORTED_SOCKET', async () => {
    using raw = await openSocket({ protocol: 'raw', family: 4, host: '127.0.0.1' })
    expect(openOn(raw.fd)).toMatchObject({ code: 'ERR_ZC_UNSUPPORTED_SOCKET', errno: 'EOPNOTSUPP' })
  })

  it('sends nothing to find out', async () => {
    const pair = await tcpPairs('127.0.0.1')()
    uring().open({ fd: pair.fd, sink: silent, maxInFlight: 1 }).close()
    const writer = pair.target as { write(data: string): void }
    writer.write('first')
    expect(Buffer.from(await pair.peer.read(5)).toString()).toBe('first')
    await pair.dispose()
  })

  it('refuses a capacity out of range: ERR_ZC_INVALID_OPTION', async () => {
    const pair = await tcpPairs('127.0.0.1')()
    for (const maxInFlight of [0, -1, 1.5, 32_769]) expect(openOn(pair.fd, maxInFlight)).toMatchObject({ code: 'ERR_ZC_INVALID_OPTION' })
    await pair.dispose()
  })
})

describe('options', () => {
  it.each<[string, unknown]>([
    ['entries', { entries: 7 }],
    ['entries', { entries: URING_LIMITS.entries + 1 }],
    ['completionEntries', { completionEntries: 63 }],
    ['completionEntries', { entries: 512, completionEntries: 256 }],
    ['fixedBuffers', { fixedBuffers: { count: 0, bytes: 4_096 } }],
    ['bytes', { fixedBuffers: { count: 2, bytes: URING_LIMITS.fixedBufferBytes } }],
    ['depth', { depth: 4 }],
  ])('%s out of range is refused by name', (name, options) => {
    expect(() => uring(options as UringOptions)).toThrow(
      expect.objectContaining({ code: 'ERR_ZC_INVALID_OPTION', message: expect.stringContaining(name) }),
    )
  })
})

describe('rings', () => {
  it('are shared by backends with equal options, and not by others', async () => {
    const pair = await tcpPairs('127.0.0.1')()
    const open = (options?: UringOptions) => uring(options).open({ fd: pair.fd, sink: silent, maxInFlight: 1 })
    const drivers = [open(), open(), open({ entries: 64 })]
    expect(drivers[0]?.group).not.toBeNull()
    expect(drivers[0]?.group).toBe(drivers[1]?.group)
    expect(drivers[0]?.group).not.toBe(drivers[2]?.group)
    for (const driver of drivers) driver.close()
    // One that is alone hands over by itself.
    const alone = open()
    expect(alone.group).toBeNull()
    alone.close()
    await pair.dispose()
  })

  it('say what the kernel gave them, while a driver is open', async () => {
    const pair = await tcpPairs('127.0.0.1')()
    const backend = uring({ entries: 100, completionEntries: 1_000 })
    expect(backend.describeRing()).toBeUndefined()
    const driver = backend.open({ fd: pair.fd, sink: silent, maxInFlight: 1 })
    expect(backend.describeRing()).toMatchObject({ entries: 128, completionEntries: 1_024, maxInFlight: 384 })
    driver.close()
    expect(backend.describeRing()).toBeUndefined()
    await pair.dispose()
  })
})

describe('probe', () => {
  it('names everything that was looked at', () => {
    const { available, reason, checks } = uring().probe()
    expect(available).toBe(true)
    expect(reason).toMatch(/SEND_ZC/)
    expect(checks.map(({ name }) => name)).toEqual([
      'kernel version',
      'kernel.io_uring_disabled',
      'io_uring_setup',
      'setup flags',
      'IORING_OP_SEND_ZC',
      'IORING_OP_SENDMSG_ZC',
      'IORING_SEND_ZC_REPORT_USAGE',
      'RLIMIT_MEMLOCK',
    ])
  })
})
