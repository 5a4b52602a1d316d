import { type ChildProcess, spawn } from 'node:child_process'
import { createSocket, type Socket as DatagramSocket } from 'node:dgram'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { fileURLToPath } from 'node:url'
import type { SocketKind } from '../src/driver/driver.js'
import { bounded } from './bounded.js'
import { descriptorOf, stopReceiving, tcpStallBytes } from './loopback-pairs.js'
import { type ConnectedPair, Inbox, peerReading } from './peers.js'

/** Messages of the suite to the peer process. */
export type PeerCommand =
  | { id: number; kind: 'open'; socket: SocketKind; host: string }
  | { id: number; kind: 'sender'; host: string; port: number }
  | { id: number; kind: 'pause' | 'resume' | 'reset' | 'dispose' }

/** Messages of the peer process to the suite. */
export type PeerReport =
  | { id: number; kind: 'listening'; port: number }
  | { id: number; kind: 'accepted' | 'ended' | 'sender' }
  | { id: number; kind: 'data'; chunk: Uint8Array }

interface NearEnd {
  inbox: Inbox
  listening: (port: number) => void
  accepted: () => void
  sender: (socket: DatagramSocket) => void
}

/** Arguments that make node run the peer process: compiled, or from its source where this file is one. */
function peerProgram(): string[] {
  const fromSource = import.meta.url.endsWith('.ts')
  const path = fileURLToPath(new URL(`./remote-peer-main.${fromSource ? 'ts' : 'js'}`, import.meta.url))
  return fromSource ? ['--import', 'tsx', path] : [path]
}

/** Makes an `openPair` of TCP connections to a process each, which is killed where the suite asks for a reset. */
export function killablePairs(host: string): () => Promise<ConnectedPair> {
  return async () => {
    const peers = new RemotePeers()
    const pair = await peers.pairs('stream', host)()
    const { dispose } = pair
    pair.peer.reset = () => peers.kill()
    pair.dispose = async () => {
      await dispose()
      await peers.stop()
    }
    return pair
  }
}

/**
 * Pairs whose far end lives in another process, for paths that leave this network namespace:
 * `new RemotePeers(['ip', 'netns', 'exec', 'peer'])`, or, without a command, simply another process.
 * Only there can a kernel that copies on loopback be seen to send without copying.
 */
export class RemotePeers {
  readonly #child: ChildProcess
  readonly #ends = new Map<number, NearEnd>()
  #nextId = 0

  /** @param command - what runs the peer process, before the path of Node.js */
  constructor(command: readonly string[] = []) {
    const [file, ...args] = [...command, process.execPath, ...peerProgram()]
    this.#child = spawn(file as string, args, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'], serialization: 'advanced' })
    this.#child.on('message', (report, handle) => this.#hear(report as PeerReport, handle as DatagramSocket | undefined))
    this.#child.on('exit', () => {
      for (const { inbox } of this.#ends.values()) inbox.end()
    })
  }

  /**
   * Makes an `openPair` of sockets connected to `host`, an address of the peer process.
   * @param maxDatagramBytes - largest datagram that arrives there
   */
  pairs(kind: SocketKind, host: string, maxDatagramBytes = 65_507): () => Promise<ConnectedPair> {
    return () => this.#open(kind, host, maxDatagramBytes)
  }

  /** Ends the peer process as a crash would: its kernel ends the connections, resetting those with unread data. */
  kill(): void {
    this.#child.kill('SIGKILL')
  }

  /** Lets this process end without {@link stop}: the peer process ends with it. */
  unref(): void {
    this.#child.unref()
    this.#child.channel?.unref()
  }

  /** Ends the peer process. */
  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || !this.#child.connected) return
    const exited = once(this.#child, 'exit')
    this.#child.disconnect()
    await bounded(exited, 'exit of the peer process')
  }

  #hear(report: PeerReport, handle: DatagramSocket | undefined): void {
    const end = this.#ends.get(report.id)
    if (end === undefined) return
    if (report.kind === 'data') end.inbox.push(report.chunk)
    else if (report.kind === 'listening') end.listening(report.port)
    else if (report.kind === 'accepted') end.accepted()
    else if (report.kind === 'sender' && handle !== undefined) end.sender(handle)
    else end.inbox.end()
  }

  /**
   * Makes an `openPair` of UDP sockets that both live in the peer process's network namespace: the sender is made there and handed over.
   * @param host - an address of that namespace
   */
  senders(host: string): () => Promise<ConnectedPair> {
    return () => this.#open('datagram', host, 65_507, true)
  }

  async #open(kind: SocketKind, host: string, maxDatagramBytes: number, senderToo = false): Promise<ConnectedPair> {
    const id = this.#nextId++
    const inbox = new Inbox()
    const [accepted, whenAccepted] = signal<void>()
    const [sender, whenSender] = signal<DatagramSocket>()
    const [listening, whenListening] = signal<number>()
    this.#ends.set(id, { inbox, listening, accepted, sender })
    this.#child.send({ id, kind: 'open', socket: kind, host } satisfies PeerCommand)
    const port = await bounded(whenListening, 'listening of the peer process')
    if (senderToo) this.#child.send({ id, kind: 'sender', host, port } satisfies PeerCommand)
    const near = senderToo ? await bounded(whenSender, 'sender from the peer process') : await connectHere(kind, host, port)
    if (kind === 'stream') await bounded(whenAccepted, 'accepted connection')
    if (!('destroy' in near)) stopReceiving(near)
    const fd = descriptorOf(near)
    const command = (what: 'pause' | 'resume' | 'reset' | 'dispose') => (): void => {
      // A process that was killed has nothing left to end, also where it was killed a moment ago and still looks connected.
      if (this.#child.connected) this.#child.send({ id, kind: what } satisfies PeerCommand, () => undefined)
    }
    return {
      // Node.js does not know that a socket which was handed over is connected.
      target: senderToo ? { fd } : near,
      fd,
      stallBytes: kind === 'stream' ? tcpStallBytes() : Number.POSITIVE_INFINITY,
      ...(kind === 'datagram' && { maxDatagramBytes }),
      peer: peerReading(inbox, { pause: command('pause'), resume: command('resume'), reset: command('reset') }),
      dispose: async () => {
        command('dispose')()
        await closeNear(near)
        await bounded(inbox.ended, 'close of the far end')
        this.#ends.delete(id)
      },
    }
  }
}

/** A function, and the promise of what it will be called with. */
function signal<T>(): [(value: T) => void, Promise<T>] {
  let resolve!: (value: T) => void
  const promise = new Promise<T>((settle) => {
    resolve = settle
  })
  return [resolve, promise]
}

async function connectHere(kind: SocketKind, host: string, port: number): Promise<Socket | DatagramSocket> {
  const near = kind === 'stream' ? connect({ port, host, noDelay: true }) : createSocket(host.includes(':') ? 'udp6' : 'udp4')
  near.on('error', () => undefined)
  if ('resume' in near) near.resume()
  else near.connect(port, host)
  await bounded(once(near, 'connect'), 'connection')
  return near
}

async function closeNear(near: Socket | DatagramSocket): Promise<void> {
  if ('destroy' in near) {
    const closed: Promise<unknown> = near.closed ? Promise.resolve() : once(near, 'close')
    near.destroy()
    await bounded(closed, 'close of a socket')
    return
  }
  try {
    near.close()
  } catch {
    // Closed by the case itself.
  }
}
