import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { bounded } from './bounded.js'
import { closeDatagramSockets, type LoopbackHost, stopReceiving } from './loopback-pairs.js'
import { Inbox } from './peers.js'

/** Receive buffer asked for by each receiver; the kernel grants up to net.core.rmem_max. */
const RECEIVE_BUFFER_BYTES = 1_048_576

/** A receiver of addressed datagrams. */
export interface DatagramReceiver {
  address: string
  port: number
  /** The next datagram that arrived, and the address that it came from. */
  readDatagram(): Promise<Uint8Array>
  /** Datagrams that arrived and were not read yet. */
  readonly unreadDatagrams: number
  /** Address that the last datagram came from. */
  readonly sender: string | undefined
}

/** The answer of `openReceivers`: a socket without a peer for the writer, and its receivers. */
export interface DatagramReceivers {
  /** Anything that `openWriter` takes. */
  target: unknown
  receivers: readonly DatagramReceiver[]
  /** An address of the socket's family that no datagram can be sent to: the send itself fails. */
  unreachable: { address: string; port: number }
  /** An address of this machine that the route to the receivers does not choose by itself; on IPv6, where loopback has one alone, the chosen one. */
  source: string
  /** An address of another family. */
  otherFamily: { address: string; port: number }
  /** Closes all sockets. Called once. */
  dispose(): Promise<void>
}

/** Makes an `openReceivers` of `dgram.Socket`s on `host`. */
export function udpReceivers(host: LoopbackHost): (count: number) => Promise<DatagramReceivers> {
  const type = host === '::1' ? 'udp6' : 'udp4'
  return async (count) => {
    const sockets: Socket[] = []
    const open = async (address?: string): Promise<Socket> => {
      const socket = createSocket({ type, recvBufferSize: RECEIVE_BUFFER_BYTES })
      socket.on('error', () => undefined)
      sockets.push(socket)
      socket.bind(0, address)
      await bounded(once(socket, 'listening'), 'listening')
      return socket
    }
    const target = await open()
    stopReceiving(target)
    const receivers: DatagramReceiver[] = []
    for (let index = 0; index < count; index++) receivers.push(receiverOn(await open(host), host))
    return {
      target,
      receivers,
      // A socket without SO_BROADCAST may not send there.
      unreachable: { address: type === 'udp6' ? '::ffff:255.255.255.255' : '255.255.255.255', port: 9 },
      source: type === 'udp6' ? '::1' : '127.0.0.2',
      otherFamily: { address: type === 'udp6' ? '127.0.0.1' : '::1', port: 9 },
      dispose: () => closeDatagramSockets(sockets),
    }
  }
}

function receiverOn(socket: Socket, address: string): DatagramReceiver {
  const inbox = new Inbox()
  let sender: string | undefined
  socket.on('message', (message, from) => {
    sender = from.address
    inbox.push(message)
  })
  return {
    address,
    port: socket.address().port,
    readDatagram: () => inbox.readChunk(),
    get unreadDatagrams() {
      return inbox.chunks
    },
    get sender() {
      return sender
    },
  }
}
