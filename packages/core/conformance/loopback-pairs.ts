import { createSocket, type Socket as DatagramSocket } from 'node:dgram'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { bounded } from './bounded.js'
import { type ConnectedPair, Inbox } from './peers.js'

/** The loopback addresses. */
export type LoopbackHost = '127.0.0.1' | '::1'

/** Smallest stall; a connection over loopback with stock limits was seen to hold about 3 MB while nobody reads. */
const MIN_TCP_STALL_BYTES = 8 * 1_048_576
/** Its third number is the largest send buffer, which holds most bytes of a stalled connection: an unread receive buffer grows little. */
const TCP_SEND_BUFFER_LIMITS = '/proc/sys/net/ipv4/tcp_wmem'
/** Receive buffer asked for by the datagram peer; the kernel grants up to net.core.rmem_max. */
const DATAGRAM_RECEIVE_BUFFER_BYTES = 4 * 1_048_576
/** UDP over IPv4: 65,535 less 20 (IP) and 8 (UDP). Over IPv6 it could be 20 more. */
const MAX_UDP_PAYLOAD_BYTES = 65_507

/** Node.js has no public way to a socket's descriptor: this is the only place of the suite that knows the private ones. */
export function descriptorOf(socket: Socket | DatagramSocket): number {
  // dgram keeps its handle behind a symbol, and warns of the property.
  const symbol = Object.getOwnPropertySymbols(socket).find(({ description }) => description === 'state symbol')
  const states = socket as unknown as { _handle?: { fd?: number } } & Record<symbol, { handle?: { fd?: number } } | undefined>
  const fd = symbol === undefined ? states._handle?.fd : states[symbol]?.handle?.fd
  if (fd === undefined || fd < 0) throw new Error('this Node.js shows no descriptor of its sockets')
  return fd
}

/**
 * Keeps the event loop from a dgram.Socket: libuv 1.52 and later reads the error queue of a socket that it receives from, and here that queue
 * is the driver's. `openWriter` does so by itself.
 */
export function stopReceiving(socket: DatagramSocket): void {
  const symbol = Object.getOwnPropertySymbols(socket).find(({ description }) => description === 'state symbol')
  const states = socket as unknown as Record<symbol, { handle?: { recvStop(): void } } | undefined>
  if (symbol !== undefined) states[symbol]?.handle?.recvStop()
}

/** More than a connection holds while its peer does not read, whatever this host's limits are. */
export function tcpStallBytes(): number {
  if (!existsSync(TCP_SEND_BUFFER_LIMITS)) return MIN_TCP_STALL_BYTES
  const largest = Number(readFileSync(TCP_SEND_BUFFER_LIMITS, 'utf8').trim().split(/\s+/)[2])
  return Math.max(MIN_TCP_STALL_BYTES, 2 * largest)
}

/** Makes an `openPair` of connected `net.Socket`s over TCP on `host`. */
export function tcpPairs(host: LoopbackHost): () => Promise<ConnectedPair> {
  return async () => {
    const server = createServer()
    server.listen(0, host)
    await bounded(once(server, 'listening'), 'listening')
    const accepted = once(server, 'connection') as Promise<[Socket]>
    const target = connect({ port: (server.address() as AddressInfo).port, host, noDelay: true })
    await bounded(once(target, 'connect'), 'connection')
    const [receiver] = await bounded(accepted, 'accepted connection')
    server.close()

    const inbox = new Inbox()
    receiver.on('data', (chunk: Buffer) => inbox.push(chunk))
    receiver.on('close', () => inbox.end())
    // Resets are part of the suite: only the writer's report about them matters.
    receiver.on('error', () => undefined)
    target.on('error', () => undefined)
    target.resume()
    return {
      target,
      fd: descriptorOf(target),
      stallBytes: tcpStallBytes(),
      peer: {
        read: (bytes) => inbox.read(bytes),
        readDatagram: () => Promise.reject(new Error('a stream has no datagrams')),
        get unreadBytes() {
          return inbox.bytes
        },
        get unreadDatagrams() {
          return 0
        },
        pause: () => {
          receiver.pause()
        },
        resume: () => {
          receiver.resume()
        },
        reset: () => {
          receiver.resetAndDestroy()
        },
        ended: inbox.ended,
      },
      dispose: async () => {
        for (const socket of [target, receiver]) {
          const closed: Promise<unknown> = socket.closed ? Promise.resolve() : once(socket, 'close')
          socket.destroy()
          await bounded(closed, 'close of a socket')
        }
      },
    }
  }
}

/** Makes an `openPair` of connected `dgram.Socket`s over UDP on `host`. */
export function udpPairs(host: LoopbackHost): () => Promise<ConnectedPair> {
  const type = host === '::1' ? 'udp6' : 'udp4'
  return async () => {
    const receiver = createSocket({ type, recvBufferSize: DATAGRAM_RECEIVE_BUFFER_BYTES })
    receiver.bind(0, host)
    await bounded(once(receiver, 'listening'), 'listening')
    const target = createSocket(type)
    target.on('error', () => undefined)
    target.connect(receiver.address().port, host)
    await bounded(once(target, 'connect'), 'connection')
    stopReceiving(target)

    const inbox = new Inbox()
    receiver.on('message', (message) => inbox.push(message))
    const unsupported = (): never => {
      throw new Error('a datagram peer neither pauses nor resets')
    }
    return {
      target,
      fd: descriptorOf(target),
      stallBytes: Number.POSITIVE_INFINITY,
      maxDatagramBytes: MAX_UDP_PAYLOAD_BYTES,
      peer: {
        read: () => Promise.reject(new Error('a datagram socket is no stream')),
        readDatagram: () => inbox.readChunk(),
        get unreadBytes() {
          return inbox.bytes
        },
        get unreadDatagrams() {
          return inbox.chunks
        },
        pause: unsupported,
        resume: unsupported,
        reset: unsupported,
        ended: inbox.ended,
      },
      dispose: async () => {
        await closeDatagramSockets([target, receiver])
        inbox.end()
      },
    }
  }
}

/** Closes sockets; a case may have closed some of them already. */
export async function closeDatagramSockets(sockets: readonly DatagramSocket[]): Promise<void> {
  for (const socket of sockets) {
    const closed = once(socket, 'close')
    try {
      socket.close()
    } catch {
      continue // Closed by the case itself.
    }
    await bounded(closed, 'close of a socket')
  }
}
