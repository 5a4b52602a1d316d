import { execFileSync, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, constants, mkdtempSync, openSync, rmSync } from 'node:fs'
import { type AddressInfo, createServer, connect as netConnect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Backend, ZeroCopyError, type ZeroCopyErrorCode } from '@sendzc/core'
import { tcpPairs, udpPairs } from '@sendzc/core/conformance'
import { type Driver, type DriverSink, SendBatch } from '@sendzc/core/driver'
import { afterEach, describe, expect, it } from 'vitest'
import { copy, errqueue, inline, SCM_ZC_NOTIFICATION } from '../src/index.js'
import { descriptorOf } from './descriptor.js'

const sink: DriverSink = { sent: () => undefined, released: () => undefined, wake: () => undefined }
const cleanups: (() => unknown)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

function open(backend: Backend, fd: number, maxInFlight = 8): Driver {
  const driver = backend.open({ fd, sink, maxInFlight })
  cleanups.push(() => driver.close())
  return driver
}

function failure(action: () => unknown): ZeroCopyError {
  try {
    action()
  } catch (error) {
    if (ZeroCopyError.is(error)) return error
    throw error
  }
  throw new Error('it did not fail')
}

/** Descriptors that no driver can send on, and its error. */
const refused: Record<string, { code: ZeroCopyErrorCode; errno: string; descriptor: () => Promise<number> }> = {
  'a closed descriptor': {
    code: 'ERR_ZC_BAD_DESCRIPTOR',
    errno: 'EBADF',
    // No process of these tests has as many: a number that was just closed could be another thread's by now.
    descriptor: async () => 999_999,
  },
  'a file': {
    code: 'ERR_ZC_NOT_A_SOCKET',
    errno: 'ENOTSOCK',
    descriptor: async () => {
      const fd = openSync(fileURLToPath(import.meta.url), 'r')
      cleanups.push(() => closeSync(fd))
      return fd
    },
  },
  'a character device': {
    code: 'ERR_ZC_NOT_A_SOCKET',
    errno: 'ENOTSOCK',
    descriptor: async () => {
      const fd = openSync('/dev/null', 'r')
      cleanups.push(() => closeSync(fd))
      return fd
    },
  },
  'a pipe': {
    code: 'ERR_ZC_NOT_A_SOCKET',
    errno: 'ENOTSOCK',
    descriptor: async () => {
      const folder = mkdtempSync(join(tmpdir(), 'sendzc-pipe-'))
      execFileSync('mkfifo', [join(folder, 'pipe')])
      const fd = openSync(join(folder, 'pipe'), constants.O_RDWR)
      cleanups.push(() => {
        closeSync(fd)
        rmSync(folder, { recursive: true })
      })
      return fd
    },
  },
  'an AF_UNIX socket': {
    code: 'ERR_ZC_UNSUPPORTED_SOCKET',
    errno: 'EOPNOTSUPP',
    descriptor: async () => {
      const path = join(tmpdir(), `sendzc-${process.pid}.sock`)
      const server = createServer().listen(path)
      await once(server, 'listening')
      const socket = netConnect(path)
      await once(socket, 'connect')
      cleanups.push(
        () => server.close(),
        () => socket.destroy(),
      )
      return descriptorOf(socket)
    },
  },
  'a listening TCP socket': {
    code: 'ERR_ZC_NOT_CONNECTED',
    errno: 'ENOTCONN',
    descriptor: async () => {
      const server = createServer().listen(0, '127.0.0.1')
      await once(server, 'listening')
      expect((server.address() as AddressInfo).port).toBeGreaterThan(0)
      cleanups.push(() => server.close())
      return descriptorOf(server)
    },
  },
}

describe('open', () => {
  for (const [what, { code, errno, descriptor }] of Object.entries(refused)) {
    it(`${what}: ${code}`, async () => {
      const fd = await descriptor()
      for (const backend of [errqueue(), copy()]) expect(failure(() => open(backend, fd))).toMatchObject({ code, errno })
    })
  }

  it('maxInFlight out of range is ERR_ZC_INVALID_OPTION, and so is no descriptor at all', async () => {
    const pair = await udpPairs('127.0.0.1')()
    cleanups.push(() => pair.dispose())
    for (const maxInFlight of [0, 1.5, 32_769]) {
      expect(failure(() => open(errqueue(), pair.fd, maxInFlight)).code).toBe('ERR_ZC_INVALID_OPTION')
    }
    expect(failure(() => open(errqueue(), -1)).code).toBe('ERR_ZC_INVALID_OPTION')
  })

  it('options out of range are named', () => {
    expect(failure(() => errqueue({ interval: 0 })).message).toContain('interval')
    expect(failure(() => errqueue({ collect: 'poll' as 'recvmsg' })).message).toContain('collect')
    expect(failure(() => inline({ capacity: 129 })).message).toContain('capacity')
    expect(failure(() => copy({ interval: 1 } as unknown as Record<string, never>)).message).toContain('interval')
  })

  it('the descriptor is duplicated: closing the original, or its number in other hands, changes nothing', async () => {
    const pair = await tcpPairs('127.0.0.1')()
    cleanups.push(() => pair.dispose())
    const results: number[] = []
    const driver = copy().open({ fd: pair.fd, sink: { ...sink, sent: (_, result) => results.push(result) }, maxInFlight: 1 })
    ;(pair.target as { destroy(): void }).destroy()
    await new Promise(setImmediate)
    const batch = new SendBatch(1, 1)
    batch.addSegment(new Uint8Array(10))
    batch.endMessage(0, 1, 0)
    driver.submit(batch)
    expect(results).toEqual([10])
    driver.close()
  })

  it.runIf(process.geteuid?.() === 0)('a PACKET socket is sent over by copy alone (needs root)', async () => {
    const { openSocket } = await import('@sendzc/socket')
    using socket = await openSocket({ protocol: 'packet', device: 'lo' })
    const results: number[] = []
    const driver = copy().open({ fd: socket.fd, sink: { ...sink, sent: (_, result) => results.push(result) }, maxInFlight: 1 })
    cleanups.push(() => driver.close())
    const batch = new SendBatch(1, 1)
    batch.addSegment(Buffer.concat([socket.headerFor(100), new Uint8Array(100)]))
    batch.endMessage(0, 1, 0)
    driver.submit(batch)
    expect(results).toEqual([socket.headerBytes + 100])
    expect(driver.kind).toBe('datagram')
    const error = failure(() => open(errqueue(), socket.fd))
    expect(error.code).toBe('ERR_ZC_UNSUPPORTED_SOCKET')
    expect(error.message).toContain('no MSG_ZEROCOPY')
  })

  it('after close: submit is refused, the rest does nothing', async () => {
    const pair = await tcpPairs('127.0.0.1')()
    cleanups.push(() => pair.dispose())
    const driver = open(errqueue(), pair.fd)
    expect(driver.close()).toBe(0)
    const batch = new SendBatch(1, 1)
    batch.addSegment(new Uint8Array(10))
    batch.endMessage(0, 1, 0)
    expect(failure(() => driver.submit(batch)).code).toBe('ERR_ZC_CLOSED')
    driver.collect()
    driver.arm(3)
    driver.disarm(3)
    driver.abort()
    expect(driver.counters()).toMatchObject({ sendCalls: 0, pinnedBytes: 0 })
  })

  it('as many drivers as descriptors allow, each with a number of its own', async () => {
    const pair = await udpPairs('127.0.0.1')()
    cleanups.push(() => pair.dispose())
    for (let round = 0; round < 3; round++) {
      const drivers = Array.from({ length: 100 }, () => copy().open({ fd: pair.fd, sink, maxInFlight: 1 }))
      for (const driver of drivers) driver.close()
    }
  })
})

describe('inline on a kernel without it', () => {
  const capability = inline().probe()
  it.runIf(!capability.available)('says so at open, with the remedy', async () => {
    const pair = await udpPairs('127.0.0.1')()
    cleanups.push(() => pair.dispose())
    const error = failure(() => open(inline(), pair.fd))
    expect(error.code).toBe('ERR_ZC_BACKEND_UNAVAILABLE')
    expect(error.message).toContain('SCM_ZC_NOTIFICATION')
    expect(error.remedy).toContain('kernel/README.md')
  })

  it('its probe says whether the kernel has it, for any number', () => {
    expect(capability.checks.find((check) => check.name === 'SCM_ZC_NOTIFICATION')?.ok).toBe(capability.available)
    // SO_TIMESTAMP: a number that every kernel refuses, or ignores, as a placeholder.
    expect(inline({ cmsgType: 29 }).probe().available).toBe(false)
    expect(SCM_ZC_NOTIFICATION).toBeGreaterThan(0)
  })
})

describe('on another platform', () => {
  it('the package can be imported; probe and open say what is missing', () => {
    const index = new URL('../src/index.ts', import.meta.url).href
    const code = `
      Object.defineProperty(process, 'platform', { value: 'darwin' })
      const { copy, errqueue, inline } = await import(${JSON.stringify(index)})
      for (const backend of [copy(), errqueue(), inline()]) {
        const { available, reason } = backend.probe()
        let code
        try { backend.open({ fd: 0, maxInFlight: 1, sink: {} }) } catch (error) { code = error.code }
        console.log(available, code, reason.includes('darwin'))
      }`
    const args = ['-C', '@sendzc/source', '--import', 'tsx', '--input-type=module', '-e', code]
    const { stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8', cwd: fileURLToPath(new URL('.', import.meta.url)) })
    // copy() works there, but for a descriptor alone.
    const expected = ['true ERR_ZC_PLATFORM false', 'false ERR_ZC_PLATFORM true', 'false ERR_ZC_PLATFORM true', '']
    expect({ stdout, stderr }).toEqual({ stdout: expected.join('\n'), stderr: '' })
  })
})
