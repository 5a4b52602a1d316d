import type { Socket as DgramSocket } from 'node:dgram'
import type { Socket as NetSocket } from 'node:net'
import type { OwnWay } from '../driver/driver.js'
import { SocketShell } from './socket-shell.js'

/**
 * The way that a `net.Socket` itself has to the kernel: what its stream calls for each chunk, beneath the shell in which writer and stream take turns.
 * Node's callback comes when the kernel has every byte.
 */
export function ownWayOfNet(socket: NetSocket): OwnWay {
  const { methods } = SocketShell.around(socket)
  let handedBytes = 0
  return {
    kind: 'stream',
    get handedBytes() {
      return handedBytes
    },
    send(message, done) {
      handedBytes += message.byteLength
      methods._write.call(socket, message, 'buffer', done)
    },
    reset: () => void (socket.resetAndDestroy?.() ?? socket.destroy()),
  }
}

/** The way of a connected `dgram.Socket`. */
export function ownWayOfDgram(socket: DgramSocket): OwnWay {
  let handedBytes = 0
  return {
    kind: 'datagram',
    get handedBytes() {
      return handedBytes
    },
    send(message, done) {
      handedBytes += message.byteLength
      try {
        socket.send(message, done)
      } catch (error) {
        // A closed socket throws.
        done(error as Error)
      }
    },
    reset() {
      try {
        socket.close()
      } catch {
        // It is closed already.
      }
    },
  }
}
