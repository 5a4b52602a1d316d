import { ZeroCopyError } from '@sendzc/core'
import { type ConnectedPair, tcpPairs, udpPairs } from '@sendzc/core/conformance'
import { Release } from '@sendzc/core/driver'
import { content, DriverSession, fillContent } from '@sendzc/core/fixtures'
import { describe, expect, it } from 'vitest'
import { type FixedPool, uring } from '../src/index.js'

const BUFFER_BYTES = 70_000

function codeOf(call: () => unknown): string | undefined {
  try {
    call()
  } catch (error) {
    return ZeroCopyError.is(error) ? error.code : String(error)
  }
  return undefined
}

describe('fixed buffers', () => {
  it('are handed out up to their count, page-aligned, apart from one another, and taken back once', () => {
    const pool = uring({ fixedBuffers: { count: 3, bytes: BUFFER_BYTES } }).pool as FixedPool
    const buffers = [pool.acquire(), pool.acquire(), pool.acquire()]
    for (const [index, buffer] of buffers.entries()) {
      expect(buffer.byteLength).toBe(BUFFER_BYTES)
      expect(buffer.byteOffset % 4_096).toBe(0)
      buffer.fill(index + 1)
    }
    for (const [index, buffer] of buffers.entries()) expect(buffer.every((byte) => byte === index + 1)).toBe(true)
    expect(codeOf(() => pool.acquire())).toBe('ERR_ZC_LIMIT')
    pool.release(buffers[1] as Uint8Array)
    expect(codeOf(() => pool.release(buffers[1] as Uint8Array))).toBe('ERR_ZC_INVALID_ARGUMENT')
    expect(codeOf(() => pool.release(new Uint8Array(BUFFER_BYTES)))).toBe('ERR_ZC_INVALID_ARGUMENT')
    expect(codeOf(() => pool.release((buffers[0] as Uint8Array).subarray(1)))).toBe('ERR_ZC_INVALID_ARGUMENT')
    expect(pool.acquire().byteOffset).toBe(buffers[1]?.byteOffset)
  })

  it('are sent alone, in runs, in part and beside other memory, and arrive whole', async () => {
    const backend = uring({ fixedBuffers: { count: 4, bytes: BUFFER_BYTES } })
    const pool = backend.pool as FixedPool
    const pair = await tcpPairs('127.0.0.1')()
    const session = new DriverSession(backend, pair.fd, 16)
    let at = 0
    const next = (view: Uint8Array): Uint8Array => {
      fillContent(view, at)
      at += view.byteLength
      return view
    }
    const buffers = Array.from({ length: 4 }, () => pool.acquire())
    const [a, b, c, d] = buffers as [Uint8Array, Uint8Array, Uint8Array, Uint8Array]
    const reports = session.submit([
      { segments: [next(a)], zerocopy: true },
      { segments: [next(b.subarray(5, 60_001))], zerocopy: true },
      { segments: [next(new Uint8Array(33_333))], zerocopy: true },
      { segments: [next(c.subarray(0, 10)), next(new Uint8Array(20_000)), next(c.subarray(4_095, 50_000))], zerocopy: true },
      { segments: [next(d.subarray(0, 1_000)), next(d.subarray(1_000, 2_000))], zerocopy: true },
      { segments: [next(d.subarray(2_000))], zerocopy: false },
    ])
    expect(Buffer.compare(await pair.peer.read(at), content(at))).toBe(0)
    await session.settled()
    expect(reports.map(({ result, bytes }) => result === bytes)).toEqual(Array(6).fill(true))
    // Only the first request surely begins a packet buffer of its own.
    const { Copied, Undetermined, None } = Release
    expect(reports.map(({ release }) => release)).toEqual([Copied, Copied, Undetermined, Undetermined, Undetermined, None])
    expect(session.driver.counters().pinnedBytes).toBe(0)
    session.driver.close()
    await pair.dispose()
  })

  it('make datagrams as other memory does', async () => {
    const backend = uring({ fixedBuffers: { count: 1, bytes: BUFFER_BYTES } })
    const buffer = (backend.pool as FixedPool).acquire()
    const pair = await udpPairs('127.0.0.1')()
    const session = new DriverSession(backend, pair.fd, 4)
    fillContent(buffer, 0)
    session.submit([
      { segments: [buffer.subarray(0, 60_000)], zerocopy: true },
      { segments: [buffer.subarray(0, 100), buffer.subarray(100, 300)], zerocopy: true },
    ])
    await session.settled()
    expect(Buffer.compare(await pair.peer.readDatagram(), content(60_000))).toBe(0)
    expect(Buffer.compare(await pair.peer.readDatagram(), content(300))).toBe(0)
    session.driver.close()
    await pair.dispose()
  })

  it('that are given back while in flight are not handed out before the kernel lets go', async () => {
    const backend = uring({ fixedBuffers: { count: 1, bytes: 4_000_000 } })
    const pool = backend.pool as FixedPool
    const pair: ConnectedPair = await tcpPairs('127.0.0.1')()
    pair.peer.pause()
    const session = new DriverSession(backend, pair.fd, 8)
    const buffer = pool.acquire()
    fillContent(buffer, 0)
    session.submit(Array.from({ length: 4 }, () => ({ segments: [buffer], zerocopy: true })))
    expect(session.inFlight).toBeGreaterThan(0)
    pool.release(buffer)
    expect(codeOf(() => pool.acquire())).toBe('ERR_ZC_LIMIT')
    pair.peer.resume()
    for (let copy = 0; copy < 4; copy++) expect(Buffer.compare(await pair.peer.read(4_000_000), content(4_000_000))).toBe(0)
    await session.settled()
    expect(pool.acquire().byteOffset).toBe(buffer.byteOffset)
    session.driver.close()
    await pair.dispose()
  })
})
