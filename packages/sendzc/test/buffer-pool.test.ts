// Chunks of a pool on their way: from a file, through every backend, and back.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { open } from 'node:fs/promises'
import type { Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type ConnectedPair, tcpPairs } from '@sendzc/core/conformance'
import { assertContent, content, fillContent, POISON } from '@sendzc/core/fixtures'
import { memory } from '@sendzc/core/testing'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Backend, bufferPool, copy, errqueue, openWriter, toWritable, uring } from '../src/index.js'

const BACKENDS: Record<string, () => Backend> = { copy: () => copy(), errqueue: () => errqueue(), uring: () => uring() }
const CHUNK_BYTES = 100_000
const CHUNKS = 4

describe.each(Object.keys(BACKENDS))('a pool of buffers over %s', (name) => {
  let pair: ConnectedPair
  beforeEach(async () => {
    pair = await tcpPairs('127.0.0.1')()
  })
  afterEach(() => pair.dispose())
  const open_ = () => openWriter(pair.target as Socket, { backend: (BACKENDS[name] as () => Backend)(), minZerocopyBytes: 1 })

  it('hands a chunk out again when the kernel has let go of it, and never before', async () => {
    await using writer = await open_()
    const pool = bufferPool({ bytes: CHUNK_BYTES, count: CHUNKS })
    const rounds = 200
    const reading = pair.peer.read(CHUNK_BYTES * rounds)
    for (let round = 0; round < rounds; round++) {
      const chunk = await pool.acquire()
      fillContent(chunk, round * CHUNK_BYTES)
      await pool.write(writer, chunk)
    }
    assertContent(await reading, 0, 'stream')
    await writer.close()
    expect(pool.available).toBe(CHUNKS)
  })

  it('carries a file, which waits where the peer does', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'sendzc-pool-'))
    const bytes = pair.stallBytes + 12_345
    writeFileSync(join(folder, 'file'), content(bytes))
    const file = await open(join(folder, 'file'))
    await using writer = await open_()
    const pool = bufferPool({ bytes: CHUNK_BYTES, count: CHUNKS })
    pair.peer.pause()
    const shipping = (async () => {
      for await (const chunk of pool.read(file)) await pool.write(writer, chunk)
    })()
    // Where the kernel copies, a chunk is free at once: what was sent tells that the reading waits.
    let sent = -1
    while (writer.stats().bytesSent !== sent || sent === 0) {
      sent = writer.stats().bytesSent
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
    expect(sent).toBeLessThan(bytes)
    pair.peer.resume()
    assertContent(await pair.peer.read(bytes), 0, 'the file')
    await shipping
    await writer.close()
    expect(pool.available).toBe(CHUNKS)
    await file.close()
    rmSync(folder, { recursive: true })
  })

  it('gets its chunks back from a stream, also where the stream is destroyed', async () => {
    const writer = await open_()
    const pool = bufferPool({ bytes: CHUNK_BYTES, count: 8 })
    const stream = toWritable(writer, { onReleased: pool.onReleased })
    stream.on('error', () => undefined)
    const reading = pair.peer.read(CHUNK_BYTES * 20)
    for (let round = 0; round < 20; round++) stream.write(fillContent(await pool.acquire(), round * CHUNK_BYTES))
    assertContent(await reading, 0, 'stream')
    pair.peer.pause()
    for (let chunk = pool.tryAcquire(); chunk !== undefined; chunk = pool.tryAcquire()) stream.write(chunk)
    stream.destroy(new Error('enough'))
    await new Promise((resolve) => stream.once('close', resolve))
    while (pool.available < 8) await new Promise(setImmediate)
  })
})

describe('a pool of buffers', () => {
  it('lies in huge pages where the kernel has them, and in small ones where those are asked for', () => {
    const pool = bufferPool({ bytes: 262_144, count: 16 })
    // A machine whose memory is in pieces may have none.
    expect(['huge', 'small']).toContain(pool.pages)
    expect(bufferPool({ bytes: 262_144, count: 16, hugePages: false }).pages).toBe('small')
    const chunks = Array.from({ length: 16 }, () => pool.tryAcquire() as Buffer)
    expect(pool.tryAcquire()).toBeUndefined()
    expect(chunks.every((chunk) => chunk.byteLength === 262_144 && chunk.every((byte) => byte === 0))).toBe(true)
    const offsets = chunks.map(({ byteOffset }) => byteOffset).sort((a, b) => a - b)
    expect(offsets.every((offset, index) => index === 0 || offset >= (offsets[index - 1] as number) + 262_144)).toBe(true)
  })

  it('refuses what it was not given, what nobody has, and what is being sent', async () => {
    const home = memory()
    const socket = home.openSocket('stream')
    socket.paused = true
    await using writer = await openWriter(socket.fd, { backend: home, minZerocopyBytes: 1 })
    const pool = bufferPool({ bytes: 1_000, count: 2 })
    const other = bufferPool({ bytes: 1_000, count: 2 })
    const misuse = { code: 'ERR_ZC_INVALID_ARGUMENT' }
    const refuses = (release: () => void) => expect(release).toThrow(expect.objectContaining(misuse))
    const chunk = pool.tryAcquire() as Buffer
    refuses(() => other.release(chunk))
    refuses(() => pool.release(Buffer.alloc(10)))
    pool.release(chunk.subarray(10, 20))
    refuses(() => pool.release(chunk))
    const again = pool.tryAcquire() as Buffer
    const { released } = await pool.write(writer, again.subarray(0, 500))
    refuses(() => pool.release(again))
    await expect(pool.write(writer, again)).rejects.toMatchObject(misuse)
    expect(pool.available).toBe(1)
    socket.paused = false
    await released
    expect(pool.available).toBe(2)
  })

  it('gives a chunk back where its write fails', async () => {
    const home = memory()
    const writer = await openWriter(home.openSocket('stream').fd, { backend: home })
    await writer.close()
    const pool = bufferPool({ bytes: 1_000, count: 1 })
    await expect(pool.write(writer, await pool.acquire())).rejects.toMatchObject({ code: 'ERR_ZC_CLOSED' })
    expect(pool.available).toBe(1)
  })

  it('never hands out an abandoned chunk', async () => {
    const home = memory({ abortReleases: false })
    const socket = home.openSocket('stream')
    const writer = await openWriter(socket.fd, { backend: home, minZerocopyBytes: 1, abortGraceMs: 1 })
    const pool = bufferPool({ bytes: 1_000, count: 1 })
    socket.paused = true
    const { released } = await pool.write(writer, (await pool.acquire()).fill(POISON))
    await writer.abort()
    expect(await released).toBe('abandoned')
    expect([pool.available, pool.abandoned, pool.tryAcquire()]).toEqual([0, 1, undefined])
    await expect(pool.acquire()).rejects.toMatchObject({ code: 'ERR_ZC_LIMIT' })
  })

  it('serves those who wait in their order, and bounds their number and their time', async () => {
    const pool = bufferPool({ bytes: 1_000, count: 1, maxWaiting: 3, acquireTimeoutMs: 50 })
    const chunk = await pool.acquire()
    const order: string[] = []
    const controller = new AbortController()
    const aborted = pool.acquire({ signal: controller.signal })
    const take = async (who: string): Promise<Buffer> => {
      const taken = await pool.acquire()
      order.push(who)
      return taken
    }
    const first = take('first')
    const second = take('second')
    await expect(pool.acquire()).rejects.toMatchObject({ code: 'ERR_ZC_LIMIT', message: expect.stringContaining('maxWaiting') })
    controller.abort()
    await expect(aborted).rejects.toMatchObject({ code: 'ERR_ZC_ABORTED' })
    pool.release(chunk)
    pool.release(await first)
    await second
    expect(order).toEqual(['first', 'second'])
    await expect(pool.acquire()).rejects.toMatchObject({ code: 'ERR_ZC_LIMIT', message: expect.stringContaining('acquireTimeoutMs') })
    expect(pool.waiting).toBe(0)
    await expect(pool.acquire({ signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'ERR_ZC_ABORTED' })
  })

  it.each([{ bytes: 0, count: 1 }, { bytes: 10, count: 0 }, { bytes: 10 }, { bytes: 10, count: 1, pages: 3 }])('refuses %j', (options) => {
    expect(() => bufferPool(options as never)).toThrow(expect.objectContaining({ code: 'ERR_ZC_INVALID_OPTION' }))
  })

  it('says so where the memory is not there', () => {
    expect(() => bufferPool({ bytes: 1_073_741_824, count: 1_024 })).toThrow(expect.objectContaining({ code: 'ERR_ZC_NO_BUFFERS' }))
  })
})
