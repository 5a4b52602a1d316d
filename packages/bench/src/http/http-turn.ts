import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createRequire } from 'node:module'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { BenchFailure, ExitStatus } from '../cli/failure.js'
import type { WireSettings } from '../record/wire-settings.js'
import { WIRE_ADDRESSES, type WireNamespace } from '../wire/wire-namespace.js'
import { WirePeer } from '../wire/wire-peer.js'
import type { WirePrograms } from '../wire/wire-programs.js'

/** The head of a response of that server. */
const headOf = (sizeBytes: number): string =>
  `HTTP/1.1 200 OK\r\nContent-Length: ${sizeBytes}\r\nConnection: keep-alive\r\nKeep-Alive: timeout=5\r\n\r\n`

/** What a server counted in one turn. */
export interface HttpCounts {
  responses: number
  cpuUs: number
  elapsedMs: number
  /** Shared writes by outcome, from the start of the server. */
  zerocopy: number
  copied: number
}

/** A wire that the servers of a run stand on. */
export interface HttpWire {
  namespace: WireNamespace
  programs: WirePrograms
  settings: WireSettings
  cpu: number | null
}

/** One turn of one server. */
export interface HttpTurn {
  /** `plain`, or the label of a backend beneath the transparent mode. */
  path: string
  sizeBytes: number
  connections: number
  /** Different bodies, served in turn. */
  bodies: number
  /** They lie in the memory of a `bufferPool()`. */
  pool: boolean
  /** Time for which the server runs before it counts: its code is compiled, and the transparent mode learns of the way. */
  warmupMs: number
  runtimeMs: number
  /** A connection for each request. Over loopback only. */
  closes: boolean
  wire: HttpWire | undefined
}

/**
 * Runs a server under load, in a process of its own, and counts.
 * @throws BenchFailure where the server ends
 */
export async function httpTurn(turn: HttpTurn): Promise<HttpCounts> {
  const { wire, path, sizeBytes, bodies, pool, warmupMs, runtimeMs } = turn
  const server = start(
    'http-server-main',
    wire?.namespace,
    path,
    String(sizeBytes),
    wire === undefined ? '127.0.0.1' : WIRE_ADDRESSES.near4,
    String(bodies),
    ...(pool ? ['pool'] : []),
  )
  try {
    const port = await messageOf<number>(server)
    await using load = await (wire === undefined ? loopbackLoad(turn, port) : wireLoad(turn, wire, port))
    void load
    await delay(warmupMs)
    server.send('begin')
    await messageOf(server)
    await delay(runtimeMs)
    server.send('end')
    const counts = await messageOf<HttpCounts>(server)
    if (counts.responses === 0)
      throw new BenchFailure(
        `The ${path} server answered no request of ${sizeBytes} bytes in ${runtimeMs} ms; give a longer --runtime-ms.`,
        ExitStatus.Failed,
      )
    return counts
  } finally {
    await end(server)
  }
}

/** The tests of this workspace start the sources. */
function sourceFlags(): string[] {
  return ['--conditions=@sendzc/source', '--import', pathToFileURL(createRequire(import.meta.url).resolve('tsx/esm')).href]
}

function start(name: string, namespace: WireNamespace | undefined, ...args: string[]): ChildProcess {
  const isSource = import.meta.url.endsWith('.ts')
  const main = fileURLToPath(new URL(`./${name}.${isSource ? 'ts' : 'js'}`, import.meta.url))
  const own: [string, ...string[]] = [process.execPath, ...(isSource ? sourceFlags() : process.execArgv), main, ...args]
  const [program, ...rest] = namespace === undefined ? own : namespace.command(...own)
  return spawn(program, rest, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
}

async function messageOf<T>(child: ChildProcess): Promise<T> {
  const gone = new AbortController()
  const ended = once(child, 'exit', { signal: gone.signal }).then(([status, signal]) => {
    throw new BenchFailure(`The server, or its client, ended: ${String(status ?? signal)}.`, ExitStatus.Failed)
  })
  ended.catch(() => undefined)
  try {
    return ((await Promise.race([once(child, 'message'), ended])) as [T])[0]
  } finally {
    gone.abort()
  }
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const gone = once(child, 'exit')
  child.kill('SIGKILL')
  await gone
}

async function loopbackLoad({ connections, closes }: HttpTurn, port: number): Promise<AsyncDisposable> {
  const client = start('http-client-main', undefined, String(port), String(connections), closes ? 'close' : 'keep')
  await messageOf(client)
  return { [Symbol.asyncDispose]: () => end(client) }
}

async function wireLoad(
  { connections, sizeBytes }: HttpTurn,
  { namespace, programs, settings, cpu }: HttpWire,
  port: number,
): Promise<AsyncDisposable> {
  const peer = await WirePeer.start({ programs, settings, cpu, within: (...own) => namespace.command(...own) })
  const request = 'GET / HTTP/1.1\r\nHost: wire\r\n\r\n'
  await peer.connect({ family: 4, port, connections, request, responseBytes: headOf(sizeBytes).length + sizeBytes, ratePerSecond: 0 })
  return peer
}
