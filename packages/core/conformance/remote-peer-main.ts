// Runs in a process of its own, perhaps in another network namespace: opens the far ends of pairs and passes on what arrives.
// Spoken to over the IPC channel by remote-pairs.ts.
import { createSocket } from 'node:dgram'
import { type AddressInfo, createServer } from 'node:net'
import type { PeerCommand, PeerReport } from './remote-pairs.js'

/** See loopback-pairs.ts. */
const DATAGRAM_RECEIVE_BUFFER_BYTES = 4 * 1_048_576

/** Bytes that a sender made here may have queued: enough that its device always has some waiting. */
const DATAGRAM_SEND_BUFFER_BYTES = 1_048_576

interface FarEnd {
  pause: () => void
  resume: () => void
  reset: () => void
  dispose: () => void
}

const farEnds = new Map<number, FarEnd>()
const report = (message: PeerReport): void => {
  if (process.connected) process.send?.(message)
}

function openStream(id: number, host: string): void {
  const server = createServer((socket) => {
    server.close()
    socket.on('data', (chunk: Buffer) => report({ id, kind: 'data', chunk }))
    socket.on('close', () => report({ id, kind: 'ended' }))
    socket.on('error', () => undefined)
    farEnds.set(id, {
      pause: () => socket.pause(),
      resume: () => socket.resume(),
      reset: () => socket.resetAndDestroy(),
      dispose: () => socket.destroy(),
    })
    report({ id, kind: 'accepted' })
  })
  server.listen(0, host, () => report({ id, kind: 'listening', port: (server.address() as AddressInfo).port }))
}

function openDatagram(id: number, host: string): void {
  const socket = createSocket({ type: host.includes(':') ? 'udp6' : 'udp4', recvBufferSize: DATAGRAM_RECEIVE_BUFFER_BYTES })
  socket.on('message', (chunk) => report({ id, kind: 'data', chunk }))
  const unsupported = (): never => {
    throw new Error('a datagram peer neither pauses nor resets')
  }
  farEnds.set(id, { pause: unsupported, resume: unsupported, reset: unsupported, dispose: () => socket.close() })
  socket.bind(0, host, () => report({ id, kind: 'listening', port: socket.address().port }))
}

/** Makes the near end too, which then sends through a device of this process's network namespace, and hands it over. */
function openSender(id: number, host: string, port: number): void {
  const socket = createSocket({ type: host.includes(':') ? 'udp6' : 'udp4', sendBufferSize: DATAGRAM_SEND_BUFFER_BYTES })
  socket.connect(port, host, () => process.send?.({ id, kind: 'sender' } satisfies PeerReport, socket, undefined, () => socket.close()))
}

process.on('message', (command: PeerCommand) => {
  const { id } = command
  if (command.kind === 'sender') {
    openSender(id, command.host, command.port)
    return
  }
  if (command.kind === 'open') {
    if (command.socket === 'stream') openStream(id, command.host)
    else openDatagram(id, command.host)
    return
  }
  farEnds.get(id)?.[command.kind]()
  if (command.kind === 'dispose') {
    farEnds.delete(id)
    report({ id, kind: 'ended' })
  }
})
// The suite has ended, in whatever way.
process.on('disconnect', () => process.exit())
