import { spawnSync } from 'node:child_process'
import { closeSync, openSync, readdirSync, readFileSync } from 'node:fs'
import { afterEach, describe, expect, test } from 'vitest'
import {
  allowedCpus,
  bindSocket,
  enableZerocopy,
  type ListeningSocket,
  listen,
  type OpenSocket,
  openSocket,
  type SocketSpec,
  setBufferSizes,
  socketFacts,
} from '../src/index.js'
import { type FixtureOptions, fixtureResult } from './source-child.js'

const opened: (OpenSocket | ListeningSocket)[] = []
afterEach(() => {
  for (const socket of opened.splice(0)) socket.close()
})
function keep<T extends OpenSocket | ListeningSocket>(socket: T): T {
  opened.push(socket)
  return socket
}
const openFds = () => readdirSync('/proc/self/fd').length
const hosts = { 4: '127.0.0.1', 6: '::1' } as const

describe.each([4, 6] as const)('listen and accept over IPv%i', (family) => {
  test('gives connected, non-blocking sockets that know what they are', async () => {
    const listener = keep(await listen({ protocol: 'tcp', family, host: hosts[family] }))
    const client = keep(await openSocket({ protocol: 'tcp', family, host: listener.host, port: listener.port, sendBufferBytes: 100_000 }))
    const server = keep(await listener.accept())
    for (const { fd } of [client, server]) {
      expect(socketFacts(fd)).toMatchObject({ domain: family === 4 ? 'inet' : 'inet6', type: 'stream', connected: true, nonBlocking: true })
    }
    expect(socketFacts(client.fd)).toMatchObject({ sendBufferBytes: 200_000, protocol: 6, zerocopy: false })
    expect(socketFacts(client.fd).mtuBytes).toBeGreaterThan(1_000)
    expect(socketFacts(client.fd).maxSegmentBytes).toBeGreaterThan(500)
    expect(socketFacts(listener.fd)).toMatchObject({ listening: true, connected: false, mtuBytes: null })
    // reno is in every kernel
    const reno = keep(await openSocket({ protocol: 'tcp', family, host: listener.host, port: listener.port, congestionControl: 'reno' }))
    expect(socketFacts(reno.fd).congestionControl).toBe('reno')
    const system = readFileSync('/proc/sys/net/ipv4/tcp_congestion_control', 'utf8').trim()
    expect(socketFacts(client.fd).congestionControl).toBe(system)
    enableZerocopy(client.fd)
    expect(socketFacts(client.fd).zerocopy).toBe(true)
  })
})

describe('accept', () => {
  const listener = async () => keep(await listen({ protocol: 'tcp', family: 4, host: '127.0.0.1' }))

  test('waits for the connection', async () => {
    const waiting = await listener()
    const accepted = waiting.accept()
    keep(await openSocket({ protocol: 'tcp', family: 4, host: '127.0.0.1', port: waiting.port }))
    expect(socketFacts(keep(await accepted).fd).connected).toBe(true)
  })

  test('is bounded, one at a time, and ends by signal and by close', async () => {
    const waiting = await listener()
    await expect(waiting.accept({ acceptTimeoutMs: 20 })).rejects.toMatchObject({ code: 'ERR_ZC_LIMIT', errno: 'ETIMEDOUT' })
    const abort = new AbortController()
    const aborted = expect(waiting.accept({ signal: abort.signal })).rejects.toMatchObject({ code: 'ERR_ZC_ABORTED' })
    await expect(waiting.accept()).rejects.toMatchObject({ code: 'ERR_ZC_LIMIT' })
    abort.abort()
    await aborted
    const closed = expect(waiting.accept()).rejects.toMatchObject({ code: 'ERR_ZC_CLOSED' })
    waiting.close()
    await closed
    await expect(waiting.accept()).rejects.toMatchObject({ code: 'ERR_ZC_CLOSED' })
  })
})

describe('ownership', () => {
  test('close and release are final; nothing stays open', async () => {
    const before = openFds()
    const socket = await bindSocket({ protocol: 'udp', family: 4, host: '127.0.0.1' })
    const fd = socket.release()
    expect(socket.fd).toBe(-1)
    socket.close()
    expect(socketFacts(fd).type).toBe('dgram')
    closeSync(fd)
    const other = await bindSocket({ protocol: 'udp', family: 4, host: '127.0.0.1' })
    other[Symbol.dispose]()
    other.close()
    expect(openFds()).toBe(before)
  })

  test('a failed opening leaves no descriptor', async () => {
    const before = openFds()
    await expect(openSocket({ protocol: 'tcp', family: 4, host: '127.0.0.1', port: 1 })).rejects.toThrow()
    await expect(openSocket({ protocol: 'packet', device: 'no-such' })).rejects.toThrow()
    expect(openFds()).toBe(before)
  })
})

describe('errors name the cause', () => {
  const cases: [string, SocketSpec, object][] = [
    [
      'refused',
      { protocol: 'tcp', family: 4, host: '127.0.0.1', port: 1 },
      { code: 'ERR_ZC_CONNECTION_REFUSED', errno: 'ECONNREFUSED', remedy: 'Start the receiver there first.' },
    ],
    ['other family', { protocol: 'udp', family: 6, host: '127.0.0.1', port: 9 }, { code: 'ERR_ZC_INVALID_OPTION' }],
    ['no such name', { protocol: 'udp', family: 4, host: 'name.invalid', port: 9 }, { code: 'ERR_ZC_SYSTEM', syscall: 'getaddrinfo' }],
    [
      'no such congestion control',
      { protocol: 'tcp', family: 4, host: '127.0.0.1', port: 9, congestionControl: 'no-such' },
      { code: 'ERR_ZC_INVALID_OPTION', errno: 'ENOENT', message: expect.stringContaining('"no-such"') },
    ],
    ['no such device', { protocol: 'packet', device: 'no-such' }, { code: 'ERR_ZC_INVALID_OPTION', errno: 'ENODEV' }],
    ['device of UDP', { protocol: 'udp', family: 4, host: '127.0.0.1', port: 9, device: 'no-such' }, { code: 'ERR_ZC_INVALID_OPTION' }],
    ['unknown key', { protocol: 'raw', family: 4, host: '127.0.0.1', port: 9 } as never, { code: 'ERR_ZC_INVALID_OPTION' }],
    ['unknown protocol', { protocol: 'sctp' } as never, { code: 'ERR_ZC_INVALID_OPTION' }],
    ['port out of range', { protocol: 'udp', family: 4, host: '127.0.0.1', port: 65_536 }, { code: 'ERR_ZC_INVALID_OPTION' }],
  ]
  test.each(cases)('%s', async (_, spec, expected) => {
    await expect(openSocket(spec)).rejects.toMatchObject({ name: 'ZeroCopyError', ...expected })
  })

  test('a connection that nobody answers ends at connectTimeoutMs', async () => {
    const listener = keep(await listen({ protocol: 'tcp', family: 4, host: '127.0.0.1', backlog: 1 }))
    const spec = { protocol: 'tcp', family: 4, host: '127.0.0.1', port: listener.port } as const
    // tcp(7): a full accept queue drops the last step of the handshake, then new ones.
    const filling = await Promise.allSettled(Array.from({ length: 4 }, () => openSocket({ ...spec, connectTimeoutMs: 300 })))
    for (const one of filling) if (one.status === 'fulfilled') keep(one.value)
    const refused = filling.filter((one) => one.status === 'rejected').map((one) => one.reason)
    expect(refused).not.toHaveLength(0)
    for (const reason of refused) {
      expect(reason).toMatchObject({ code: 'ERR_ZC_LIMIT', errno: 'ETIMEDOUT', message: expect.stringContaining('connectTimeoutMs') })
    }
  })

  test('zero-copy on RAW and PACKET: the kernel has none', async () => {
    for (const spec of [
      { protocol: 'raw', family: 4, host: '127.0.0.1' },
      { protocol: 'packet', device: 'lo' },
    ] as const) {
      const socket = keep(await openSocket(spec))
      expect(() => enableZerocopy(socket.fd)).toThrow(expect.objectContaining({ code: 'ERR_ZC_UNSUPPORTED_SOCKET', errno: 'EOPNOTSUPP' }))
    }
  })

  test('descriptors that are closed or no sockets', () => {
    const fd = openSync('/dev/null', 'r')
    expect(() => socketFacts(fd)).toThrow(expect.objectContaining({ code: 'ERR_ZC_NOT_A_SOCKET' }))
    expect(() => setBufferSizes(fd, { sendBufferBytes: 5_000 })).toThrow(expect.objectContaining({ code: 'ERR_ZC_NOT_A_SOCKET' }))
    closeSync(fd)
    expect(() => socketFacts(fd)).toThrow(expect.objectContaining({ code: 'ERR_ZC_BAD_DESCRIPTOR' }))
  })
})

/** A Node.js in a folder of root's own, such as npx's, is closed to others. */
const othersMayRun = spawnSync(process.execPath, ['--version'], { uid: 65_534, gid: 65_534 }).status === 0

describe('without capabilities', () => {
  if (!othersMayRun) test.skip(`as another user (skipped: who cannot run ${process.execPath})`)
  const ways: [string, FixtureOptions][] = [
    ['as root without CAP_NET_RAW', { through: ['setpriv', '--bounding-set=-net_raw,-net_admin', '--inh-caps=-all'] }],
  ]
  if (othersMayRun) ways.push(['as another user', { uid: 65_534 }])
  test.each(ways)('%s', async (_, how) => {
    const errors = (await fixtureResult('opens-privileged', how)) as Record<string, { code: string; message: string } | null>
    for (const protocol of ['raw', 'raw-hdrincl', 'packet', 'packet-dgram', 'receiver']) {
      expect(errors[protocol], protocol).toMatchObject({ code: 'ERR_ZC_PERMISSION', errno: 'EPERM', syscall: 'socket' })
      expect(errors[protocol]?.message).toContain('CAP_NET_RAW')
      expect(errors[protocol]?.message).toContain('setcap')
    }
    expect(errors.udp).toBeNull()
    expect(errors.buffer).toMatchObject({ code: 'ERR_ZC_LIMIT', message: expect.stringContaining('net.core.wmem_max') })
  })
})

test('CPUs: pinning the thread and the process, and a CPU that is not allowed', async () => {
  const [first = 0] = allowedCpus()
  expect(await fixtureResult('pins')).toEqual({ process: [first], threads: [String(first)], refused: 'ERR_ZC_INVALID_OPTION' })
})

test('a worker can be terminated while it connects, accepts and receives', async () => {
  expect(await fixtureResult('terminates-workers')).toEqual({ terminated: 2 })
})
