import assert from 'node:assert/strict'
import { AsyncLocalStorage } from 'node:async_hooks'
import { once } from 'node:events'
import net from 'node:net'
import { PassThrough, pipeline } from 'node:stream'
import type { Backend } from '../src/driver/driver.js'
import type { ZeroCopyError } from '../src/errors.js'
import { openWriter } from '../src/open/open-writer.js'
import { toWritable } from '../src/stream.js'
import { seededRandom } from '../src/testing/memory-kernel.js'
import type { ZeroCopyWriter } from '../src/writer.js'
import { bounded, quietTurns, until } from './bounded.js'
import { assertContent, content } from './content.js'
import { type NamedBackends, registerSkips } from './named-backends.js'

/** More than the send and the receive buffer of a loopback connection take together. */
const STALL_BYTES = 16_000_000

/** How a connection ended, as its peer saw it. */
interface PeerEnd {
  bytes: number
  how: 'end' | 'reset'
}

/** A connected `net.Socket`, and the other end of its connection, which reads nothing at first. */
class SocketPair {
  readonly received: Buffer[] = []
  bytes = 0

  private constructor(
    readonly client: net.Socket,
    readonly peer: net.Socket,
    readonly listener: net.Server,
  ) {
    client.on('error', () => undefined)
    peer.on('error', () => undefined)
  }

  static async open(): Promise<SocketPair> {
    const listener = net.createServer({ pauseOnConnect: true, allowHalfOpen: true }).listen(0, '127.0.0.1')
    await once(listener, 'listening')
    const client = net.connect((listener.address() as net.AddressInfo).port, '127.0.0.1')
    const [[peer]] = (await Promise.all([once(listener, 'connection'), once(client, 'connect')])) as [[net.Socket], unknown]
    return new SocketPair(client, peer, listener)
  }

  /** Reads to the end of the connection, and checks what came against the content. */
  async readToEnd(): Promise<PeerEnd> {
    let failed = false
    this.peer.on('error', () => {
      failed = true
    })
    const ended = new Promise<void>((resolve) => {
      this.peer.on('end', resolve)
      this.peer.on('close', () => resolve())
    })
    this.startReading()
    await bounded(ended, 'the end of the connection at the peer')
    const all = Buffer.concat(this.received)
    assertContent(all, 0, 'what arrived')
    return { bytes: all.byteLength, how: failed || !(await this.#canAnswer()) ? 'reset' : 'end' }
  }

  /** After a reset libuv may report an end all the same (uv__stream_io, on EPOLLHUP); but nothing can be sent then. */
  #canAnswer(): Promise<boolean> {
    return new Promise((resolve) => {
      this.peer.write('x', (error) => resolve(error == null))
    })
  }

  startReading(): void {
    this.peer.on('data', (chunk: Buffer) => {
      this.received.push(chunk)
      this.bytes += chunk.length
    })
    this.peer.resume()
  }

  dispose(): void {
    this.client.destroy()
    this.peer.destroy()
    this.listener.close()
  }
}

/** Gives the content of a stream piece by piece, and keeps count of what was answered. */
class Source {
  position = 0
  answered = 0
  readonly failures: ZeroCopyError[] = []
  readonly releases: Promise<unknown>[] = []

  constructor(readonly writer: ZeroCopyWriter) {}

  next(bytes: number): Uint8Array {
    const piece = content(bytes, this.position)
    this.position += bytes
    return piece
  }

  write(bytes: number): void {
    this.writer.write(this.next(bytes)).then(
      (sent) => {
        this.answered += sent.bytes
        this.releases.push(sent.released)
      },
      (error: ZeroCopyError) => {
        this.failures.push(error)
        if (error.released !== undefined) this.releases.push(error.released)
      },
    )
  }
}

/** How somebody lets go of the socket. */
interface Way {
  name: string
  letGo: (pair: SocketPair, writer: ZeroCopyWriter) => unknown
  /** `all`: everything accepted arrives, then an end. `answered`: what was answered arrives, and a reset where more was accepted. */
  delivers: 'all' | 'answered' | 'nothing more'
}

const WAYS: readonly Way[] = [
  { name: 'socket.end()', letGo: ({ client }) => client.end(), delivers: 'all' },
  { name: 'socket.destroySoon()', letGo: ({ client }) => client.destroySoon(), delivers: 'all' },
  { name: 'close(), then socket.end()', letGo: ({ client }, writer) => writer.close().then(() => client.end()), delivers: 'all' },
  { name: 'socket.end() while close() drains', letGo: ({ client }, writer) => [writer.close(), client.end()], delivers: 'all' },
  { name: 'socket.destroy()', letGo: ({ client }) => client.destroy(), delivers: 'answered' },
  { name: 'socket.destroy(error)', letGo: ({ client }) => client.destroy(new Error('no longer wanted')), delivers: 'answered' },
  { name: 'socket.end(), then destroy()', letGo: ({ client }) => client.end().destroy(), delivers: 'answered' },
  {
    name: 'socket.destroy() while close() drains',
    letGo: ({ client }, writer) => [writer.close().catch(() => 0), client.destroy()],
    delivers: 'answered',
  },
  { name: 'socket.resetAndDestroy()', letGo: ({ client }) => client.resetAndDestroy(), delivers: 'nothing more' },
  { name: 'abort()', letGo: (_pair, writer) => writer.abort(), delivers: 'nothing more' },
]

/** Sizes of the writes before somebody lets go; the peer reads nothing until then. */
const STATES: Readonly<Record<string, readonly number[]>> = {
  'nothing written': [],
  'one small write answered': [1_000],
  'writes in flight': [50_000, 50_000, 50_000],
  'one large write begun': [STALL_BYTES],
  'many writes answered, one begun, others queued': Array.from({ length: STALL_BYTES / 100_000 }, () => 100_000),
}

async function letGo(backend: Backend, sizes: readonly number[], way: Way): Promise<void> {
  const pair = await SocketPair.open()
  try {
    const writer = await openWriter(pair.client, { backend, drainTimeoutMs: 8_000 })
    const source = new Source(writer)
    for (const size of sizes) source.write(size)
    await quietTurns()
    const answeredBefore = source.answered
    way.letGo(pair, writer)
    const accepted = source.position
    const { bytes, how } = await pair.readToEnd()
    await bounded(
      writer.close().catch(() => undefined),
      'close',
    )
    await bounded(Promise.all(source.releases), 'every released')
    if (way.delivers === 'all') assert.deepEqual({ bytes, how }, { bytes: accepted, how: 'end' })
    if (way.delivers === 'answered') assert.ok(bytes >= answeredBefore, `${answeredBefore} bytes were answered, ${bytes} arrived`)
    if (bytes < accepted) assert.equal(how, 'reset', `a clean end after ${bytes} of ${accepted} bytes`)
    if (way.delivers === 'nothing more') assert.equal(how, 'reset')
    assert.ok(
      source.failures.every(({ code }) => code === 'ERR_ZC_CLOSED' || code === 'ERR_ZC_ABORTED'),
      String(source.failures[0]),
    )
  } finally {
    pair.dispose()
  }
}

/** Writes through both faces in turns, in pieces of many sizes, corked and not. */
async function writeByBothFaces(backend: Backend, stall: boolean): Promise<void> {
  const pair = await SocketPair.open()
  try {
    const writer = await openWriter(pair.client, { backend, minZerocopyBytes: 4_096 })
    const source = new Source(writer)
    const random = seededRandom(7)
    let answers = 0
    if (!stall) pair.startReading()
    for (let index = 0; index < 400; index++) {
      const bytes = Math.ceil(random() * (stall ? 60_000 : 9_000))
      if (random() < 0.5) source.write(bytes)
      else {
        if (random() < 0.2) pair.client.cork()
        if (random() < 0.1) pair.client.write('')
        pair.client.write(source.next(bytes), () => answers++)
        if (pair.client.writableCorked > 0 && random() < 0.7) pair.client.uncork()
      }
      if (index % 40 === 39) {
        while (pair.client.writableCorked > 0) pair.client.uncork()
        await quietTurns()
      }
    }
    const written = source.position - source.answered
    assert.equal(pair.client.bytesWritten, source.position, 'bytesWritten')
    if (stall) assert.ok(pair.client.writableLength > 0 && written > 0, 'the peer did not stall')
    pair.client.end(source.next(1_234))
    if (stall) assert.deepEqual(await pair.readToEnd(), { bytes: source.position, how: 'end' })
    else {
      await bounded(once(pair.peer, 'end'), 'the end')
      assertContent(Buffer.concat(pair.received), 0, 'what arrived')
      assert.equal(pair.bytes, source.position)
    }
    assert.ok(answers > 100, `${answers} callbacks of socket.write()`)
    assert.equal(pair.client.writableLength, 0)
    await writer.close()
    assert.equal(pair.client.bytesWritten, source.position, 'bytesWritten after close')
  } finally {
    pair.dispose()
  }
}

async function answersInOrder(backend: Backend): Promise<void> {
  const pair = await SocketPair.open()
  try {
    const writer = await openWriter(pair.client, { backend })
    const order: string[] = []
    const write = (name: string, bytes: number): Promise<unknown> => writer.write(new Uint8Array(bytes)).then(() => order.push(name))
    for (const second of [100, STALL_BYTES]) {
      order.length = 0
      const late = write('A', STALL_BYTES)
      await quietTurns()
      const behind = [write('B', second)]
      pair.startReading()
      await bounded(late, 'the first answer')
      behind.push(write('C', 100))
      await Promise.all(behind)
      assert.equal(order.join(' '), 'A B C')
      pair.peer.pause()
      await quietTurns()
    }
  } finally {
    pair.dispose()
  }
}

type PipelineEnd = [how: string, end: (pair: SocketPair, writer: ZeroCopyWriter) => unknown, code: string]

const PIPELINE_ENDS: readonly PipelineEnd[] = [
  ['the peer resets', ({ peer }) => peer.resetAndDestroy(), 'ECONNRESET'],
  ['the socket is destroyed', ({ client }) => client.destroy(), 'ERR_STREAM_PREMATURE_CLOSE'],
  ['the writer is closed', (_pair, writer) => writer.close(), 'ERR_STREAM_PREMATURE_CLOSE'],
  ['the writer is aborted', (_pair, writer) => writer.abort(), 'ERR_ZC_ABORTED'],
]

async function idlePipelineEnds(backend: Backend, end: PipelineEnd[1], code: string): Promise<void> {
  const pair = await SocketPair.open()
  try {
    const writer = await openWriter(pair.client, { backend })
    const source = new PassThrough()
    const target = toWritable(writer)
    const ended = new Promise<string | undefined>((resolve) => {
      pipeline(source, target, (error) => resolve(error?.code))
    })
    source.write(content(50_000))
    pair.startReading()
    await until(() => pair.bytes === 50_000, 'the first chunk')
    end(pair, writer)
    assert.equal(await bounded(ended, 'the end of the pipeline'), code)
    assert.ok(source.destroyed && target.destroyed)
  } finally {
    pair.dispose()
  }
}

async function timesOutOnlyWhenIdle(backend: Backend): Promise<void> {
  const IDLE_MS = 150
  const pair = await SocketPair.open()
  try {
    pair.startReading()
    const writer = await openWriter(pair.client, { backend })
    let fired = 0
    pair.client.setTimeout(IDLE_MS, () => fired++)
    for (const begunMs = performance.now(); performance.now() - begunMs < 3 * IDLE_MS; ) {
      await (await writer.write(new Uint8Array(20_000))).released
      await new Promise((resolve) => setTimeout(resolve, 10))
    }
    assert.equal(fired, 0, 'a timeout while the writer sent')
    pair.peer.pause()
    writer.write(new Uint8Array(STALL_BYTES)).catch(() => undefined)
    await until(() => fired > 0, 'the timeout of a connection that stalls')
  } finally {
    pair.dispose()
  }
}

/** Registers the tests that a `net.Socket` with a writer open on it is still a `net.Socket`, and ends as the table in ARCHITECTURE.md says. */
export function netSocketSuite(options: NamedBackends): void {
  const { describe, it, backends } = options
  registerSkips(options, 'a net.Socket with a writer open')
  for (const [name, backend] of Object.entries(backends)) {
    describe(`${name}: a net.Socket with a writer open`, () => {
      for (const way of WAYS) {
        for (const [state, sizes] of Object.entries(STATES)) {
          it(`let go by ${way.name}, ${state}: what was answered arrives, and no part looks like the whole`, () =>
            letGo(backend(), sizes, way))
        }
      }
      it('bytes of socket.write() and of the writer leave in the order of the calls', () => writeByBothFaces(backend(), false))
      it('bytes of both leave in the order of the calls while the peer stalls', () => writeByBothFaces(backend(), true))
      it('writes are answered in the order of the calls, however late', () => answersInOrder(backend()))
      for (const [how, end, code] of PIPELINE_ENDS) {
        it(`a pipeline with an idle source ends when ${how}`, () => idlePipelineEnds(backend(), end, code))
      }
      it('its idle timeout fires when nothing moves, and only then', () => timesOutOnlyWhenIdle(backend()))
      it('the callback of socket.write() keeps its async context', async () => {
        const pair = await SocketPair.open()
        try {
          const writer = await openWriter(pair.client, { backend: backend() })
          const context = new AsyncLocalStorage<string>()
          writer.write(new Uint8Array(STALL_BYTES)).catch(() => undefined)
          const seen = context.run(
            'here',
            () => new Promise((resolve) => pair.client.write('behind it', () => resolve(context.getStore()))),
          )
          pair.startReading()
          assert.equal(await bounded(seen, 'the callback'), 'here')
        } finally {
          pair.dispose()
        }
      })
    })
  }
}
