import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { performance } from 'node:perf_hooks'
import { fileURLToPath } from 'node:url'
import type { Backend } from '../src/driver/driver.js'
import { openWriter } from '../src/open/open-writer.js'
import type { ZeroCopyWriter } from '../src/writer.js'
import { bounded } from './bounded.js'
import { collectGarbage, content } from './content.js'
import { tcpStallBytes } from './loopback-pairs.js'

/** How long the event loop is watched while nothing should happen, in ms. */
const WATCHED_MS = 200
/** Bytes of one write. */
const WRITE_BYTES = 60_000

/** How often the event loop turned while a writer had nothing to do but wait. */
export interface LoopTurns {
  /** Within {@link WATCHED_MS}: with sends in flight, and a peer that reads nothing. */
  stalled: number
  /** From the peer's first read to the last release. */
  releasing: number
  /** Reads of the peer in that time. */
  peerReads: number
  /** Within {@link WATCHED_MS}: a writer that is open, with nothing in flight. */
  idle: number
  /** Within {@link WATCHED_MS}: the socket alone, the writer closed. */
  closed: number
}

function loopCount(): number {
  // Node.js 20.18 and 22.8; typed later.
  const { uvMetricsInfo } = performance.nodeTiming as unknown as { uvMetricsInfo?: { loopCount: number } }
  if (uvMetricsInfo === undefined) throw new Error('this Node.js does not count the turns of its event loop')
  return uvMetricsInfo.loopCount
}

/** Turns of the event loop within {@link WATCHED_MS} in which nothing else is asked of it. */
export async function turnsWhileWatched(): Promise<number> {
  collectGarbage()
  const before = loopCount()
  await new Promise((resolve) => setTimeout(resolve, WATCHED_MS))
  return loopCount() - before
}

/**
 * A `net.Socket` that is read from, as every one is, and whose peer is another process: it reads nothing before it is told to, and then one
 * piece at a time. libuv watches such a socket; whatever lies on its error queue uncollected makes the event loop turn without end
 * (libuv#4447).
 */
export class SlowlyReadSocket {
  readonly socket: Socket
  readonly #peer: ChildProcess

  private constructor(socket: Socket, peer: ChildProcess) {
    this.socket = socket
    this.#peer = peer
  }

  static async open(): Promise<SlowlyReadSocket> {
    const fromSource = import.meta.url.endsWith('.ts')
    const program = fileURLToPath(new URL(`./slow-reader-main.${fromSource ? 'ts' : 'js'}`, import.meta.url))
    const peer = fork(program, { execArgv: fromSource ? ['--import', 'tsx'] : [] })
    const [port] = (await bounded(once(peer, 'message'), 'listening of the peer process')) as [number]
    const socket = connect({ port, host: '127.0.0.1', noDelay: true })
    socket.on('error', () => undefined)
    await bounded(once(socket, 'connect'), 'connection')
    socket.resume()
    return new SlowlyReadSocket(socket, peer)
  }

  /** The peer begins to read. */
  startReading(): void {
    this.#peer.send('read')
  }

  /** Reads of the peer until the connection ended, which this does. */
  async end(): Promise<number> {
    const told = once(this.#peer, 'message') as Promise<[number]>
    this.socket.destroy()
    const [reads] = await bounded(told, 'count of the peer')
    this.#peer.disconnect()
    return reads
  }
}

/** Writes more than the connection holds, and does not wait for the release. All from one buffer: garbage would make the event loop turn, too. */
export function fillConnection(writer: ZeroCopyWriter): Promise<unknown>[] {
  const buffer = content(WRITE_BYTES)
  const writes = Math.ceil((2 * tcpStallBytes()) / WRITE_BYTES)
  return Array.from({ length: writes }, async () => (await writer.write(buffer)).released)
}

/** Counts how often the event loop turns around a writer of `backend` that waits. */
export async function countLoopTurns(backend: Backend): Promise<LoopTurns> {
  const connection = await SlowlyReadSocket.open()
  const writer = await openWriter(connection.socket, { backend })
  const released = fillConnection(writer)
  const stalled = await turnsWhileWatched()
  const before = loopCount()
  connection.startReading()
  await bounded(Promise.all(released), 'release of every write')
  const releasing = loopCount() - before
  const idle = await turnsWhileWatched()
  await writer.close()
  const closed = await turnsWhileWatched()
  return { stalled, releasing, peerReads: await connection.end(), idle, closed }
}
