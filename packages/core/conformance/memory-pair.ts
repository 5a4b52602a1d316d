import { Errno, type SocketKind } from '../src/driver/driver.js'
import type { MemoryBackend } from '../src/testing/memory-driver.js'
import { type ConnectedPair, Inbox } from './peers.js'

/** Opens a pair whose ends are joined by the fake kernel of `backend`. */
export async function openMemoryPair(backend: MemoryBackend, kind: SocketKind): Promise<ConnectedPair> {
  const socket = backend.openSocket(kind)
  const inbox = new Inbox()
  socket.receive = (chunk) => inbox.push(chunk)
  socket.onDead = () => inbox.end()
  return {
    target: { fd: socket.fd },
    fd: socket.fd,
    stallBytes: backend.options.sendBufferBytes * 4,
    maxDatagramBytes: backend.options.maxDatagramBytes,
    peer: {
      read: (bytes) => inbox.read(bytes),
      readDatagram: () => inbox.readChunk(),
      get unreadBytes() {
        return inbox.bytes
      },
      get unreadDatagrams() {
        return inbox.chunks
      },
      pause: () => {
        socket.paused = true
      },
      resume: () => {
        socket.paused = false
      },
      reset: () => socket.die(Errno.ECONNRESET),
      ended: inbox.ended,
    },
    dispose: async () => {
      backend.closeSocket(socket.fd)
    },
  }
}
