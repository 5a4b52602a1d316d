import { describe, expect, it, vi } from 'vitest'
import { until } from '../conformance/bounded.js'
import { content, mutateBackend, rejection, WriteLedger } from '../conformance/fixtures/index.js'
import { Errno, Release } from '../src/driver/driver.js'
import type { ZeroCopyErrorCode } from '../src/errors.js'
import { openWriter } from '../src/open/open-writer.js'
import { type MemoryBackend, type MemoryOptions, memory } from '../src/testing/memory-backend.js'
import type { MemorySocket } from '../src/testing/memory-kernel.js'
import type { WriterOptions } from '../src/writer/options.js'
import type { ZeroCopyWriter } from '../src/writer.js'

interface Start {
  backend: MemoryBackend
  socket: MemorySocket
  writer: ZeroCopyWriter
  ledger: WriteLedger
}

/** A writer over a fake kernel: faults that no real kernel produces on demand. */
async function start(kernel: MemoryOptions = {}, options: WriterOptions = {}): Promise<Start> {
  const backend = memory(kernel)
  const socket = backend.openSocket()
  const writer = await openWriter({ fd: socket.fd }, { ...options, backend })
  return { backend, socket, writer, ledger: new WriteLedger(writer) }
}

describe('a kernel that never lets go', () => {
  const options = { drainTimeoutMs: 20, abortGraceMs: 20 }

  it('close: the writes in flight are abandoned, their bytes counted, nothing settles twice', async () => {
    const { socket, writer, ledger } = await start({ abortReleases: false }, options)
    socket.paused = true
    let releases = 0
    for (let index = 0; index < 4; index++) ledger.write(content(100_000), { onReleased: () => releases++ })
    await rejection(writer.close(), 'ERR_ZC_DRAIN_TIMEOUT', 'close')
    await ledger.allReleased()
    expect(releases).toBe(4)
    expect(ledger.writes.map(({ outcome }) => outcome)).toContain('abandoned')
    expect(writer.stats().abandonedBytes).toBe(262_144)
  })

  it('abort: resolves, and says so', async () => {
    const { socket, writer, ledger } = await start({ abortReleases: false }, options)
    socket.paused = true
    ledger.write(content(100_000))
    await ledger.allSettled()
    await writer.abort()
    await ledger.allReleased()
    expect(ledger.writes[0]?.outcome).toBe('abandoned')
    expect(writer.stats().abandonedBytes).toBe(100_000)
  })

  it('notifications that never come: close gives up after its bound', async () => {
    const { socket, writer, ledger } = await start({ abortReleases: false }, options)
    socket.withholdNotifications = true
    ledger.write(content(20_000))
    await ledger.allSettled()
    await rejection(writer.close(), 'ERR_ZC_DRAIN_TIMEOUT', 'close')
    await ledger.allReleased()
    expect(ledger.writes[0]?.outcome).toBe('abandoned')
  })
})

describe('errno of a send', () => {
  const codes: [keyof typeof Errno, ZeroCopyErrorCode][] = [
    ['EPIPE', 'ERR_ZC_PEER_RESET'],
    ['ECONNRESET', 'ERR_ZC_PEER_RESET'],
    ['ETIMEDOUT', 'ERR_ZC_PEER_RESET'],
    ['ENOTCONN', 'ERR_ZC_NOT_CONNECTED'],
    ['EBADF', 'ERR_ZC_BAD_DESCRIPTOR'],
    ['EPERM', 'ERR_ZC_PERMISSION'],
    ['EFAULT', 'ERR_ZC_SYSTEM'],
  ]
  for (const [name, code] of codes) {
    it(`${name} on a stream is ${code}, for what is queued and what comes later`, async () => {
      const { socket, writer, ledger } = await start()
      socket.inject({ errno: Errno[name], times: 1 })
      for (let index = 0; index < 3; index++) ledger.write(content(20_000))
      await ledger.allReleased()
      for (const { state, error } of ledger.writes) {
        expect(state).toBe('failed')
        expect(error).toMatchObject({ code, errno: name, syscall: 'sendmsg' })
      }
      await rejection(writer.write(content(1)), code, 'a later write')
      await writer.close()
      expect(writer.stats()).toMatchObject({ inFlight: 0, queuedWrites: 0, queuedBytes: 0 })
    })
  }

  it('of a datagram fails that datagram only', async () => {
    const { socket, ledger } = await start({ kind: 'datagram' })
    socket.inject({ errno: Errno.ECONNREFUSED, after: 1 })
    for (let index = 0; index < 3; index++) ledger.write(content(12_000))
    await ledger.allReleased()
    expect(ledger.writes.map(({ error }) => error?.code)).toEqual([undefined, 'ERR_ZC_CONNECTION_REFUSED', undefined])
    expect(socket.received).toHaveLength(2)
  })

  it('EINTR is tried again, on a stream and on a datagram socket', async () => {
    for (const kind of ['stream', 'datagram'] as const) {
      const { socket, ledger } = await start({ kind })
      socket.inject({ errno: Errno.EINTR, times: 3 })
      ledger.write(content(20_000))
      await ledger.allReleased()
      ledger.assertAllSent()
      await until(() => socket.queuedBytes === 0, 'transmission')
      expect(Buffer.concat(socket.received)).toHaveLength(20_000)
    }
  })

  it('EINTR without end is told, on a stream and on a datagram socket', async () => {
    for (const kind of ['stream', 'datagram'] as const) {
      const { socket, ledger } = await start({ kind })
      socket.inject({ errno: Errno.EINTR, times: 1_000_000 })
      ledger.write(content(20_000))
      await ledger.allReleased()
      expect(ledger.writes[0]).toMatchObject({ state: 'failed', error: { code: 'ERR_ZC_SYSTEM', errno: 'EINTR' } })
    }
  })

  it('in mid-write: the first part arrives, the write fails once, its memory is released', async () => {
    const { socket, ledger } = await start({ sendBufferBytes: 30_000, bytesPerTurn: 10_000 })
    socket.inject({ errno: Errno.ECONNRESET, after: 1 })
    ledger.write(content(100_000))
    await ledger.allReleased()
    expect(ledger.writes[0]).toMatchObject({ state: 'failed', error: { code: 'ERR_ZC_PEER_RESET' } })
    expect(['zerocopy', 'copied']).toContain(ledger.writes[0]?.outcome)
    expect(socket.received.length).toBeGreaterThan(0)
  })
})

describe('a limit of zero (memlock, optmem)', () => {
  it('copies every send, counts them, and says so once', async () => {
    const warn = vi.spyOn(process, 'emitWarning').mockImplementation(() => undefined)
    try {
      const { socket, writer, ledger } = await start({ maxUncollectedSends: 0 })
      for (let index = 0; index < 5; index++) {
        ledger.write(content(20_000))
        await ledger.allReleased()
      }
      ledger.assertAllSent(['copied'])
      expect(writer.stats()).toMatchObject({ zerocopySends: 0, copiedSends: 5, copies: { limit: 5 } })
      // A copy is released at once, and may still be on its way.
      await until(() => socket.queuedBytes === 0, 'transmission')
      expect(Buffer.concat(socket.received)).toHaveLength(100_000)
      expect(warn).toHaveBeenCalledTimes(1)
    } finally {
      warn.mockRestore()
    }
  })
})

describe('demotion', () => {
  it('stops asking after copied notifications in a row, and asks again now and then', async () => {
    const { writer, ledger } = await start({ copiedFraction: 1 }, { demoteAfterCopied: 3, retryZerocopyEvery: 4 })
    for (let index = 0; index < 13; index++) {
      ledger.write(content(20_000))
      await ledger.allReleased()
    }
    ledger.assertAllSent(['copied'])
    const { copies } = writer.stats()
    // Three that are copied, then four by choice before each new attempt.
    expect(copies).toMatchObject({ kernel: 5, demoted: 8 })
  })

  it('goes by no report that does not tell whether the kernel copied', async () => {
    const kernel = memory({ copiedFraction: 1 })
    const backend = mutateBackend(kernel, { sink: (sink) => ({ released: (token) => sink.released(token, Release.Undetermined) }) })
    const writer = await openWriter({ fd: kernel.openSocket().fd }, { backend, demoteAfterCopied: 3 })
    const ledger = new WriteLedger(writer)
    for (let index = 0; index < 6; index++) {
      ledger.write(content(20_000))
      await ledger.allReleased()
    }
    ledger.assertAllSent(['copied'])
    expect(writer.stats().copies).toMatchObject({ kernel: 6, demoted: 0 })
  })
})

describe('writers of one group', () => {
  it('send with one call for all of them', async () => {
    const backend = memory({ deferred: 'flush' })
    const sockets = Array.from({ length: 20 }, () => backend.openSocket())
    const writers = await Promise.all(sockets.map(({ fd }) => openWriter({ fd }, { backend })))
    const sent = await Promise.all(writers.map((writer) => writer.write(content(20_000))))
    await Promise.all(sent.map(({ released }) => released))
    expect(backend.drivers.reduce((sum, driver) => sum + driver.counters().sendCalls, 0)).toBe(1)
    await Promise.all(writers.map((writer) => writer.close()))
  })
})
