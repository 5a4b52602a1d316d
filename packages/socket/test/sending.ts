import { writeSync } from 'node:fs'
import type { OpenSocket } from '../src/index.js'
import { waitReady } from '../src/ready.js'

/** Writes all of `data` by plain write(2), waiting where the socket is full. */
export async function sendAll(socket: OpenSocket, data: Uint8Array): Promise<void> {
  let sent = 0
  while (sent < data.byteLength) {
    try {
      sent += writeSync(socket.fd, data, sent)
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'EAGAIN')) throw error
      await waitReady({ fd: socket.fd, writable: true, timeoutMs: 10_000, timeoutName: 'timeoutMs', doing: 'sending' })
    }
  }
}

/** Sends one message, with the headers that the protocol wants from its caller. */
export async function sendMessage(socket: OpenSocket, payload: Uint8Array): Promise<void> {
  await sendAll(socket, Buffer.concat([socket.headerFor(payload.byteLength), payload]))
}

/** Writes until the socket takes no more; returns the bytes written. */
export function fill(socket: OpenSocket, data: Uint8Array): number {
  for (let sent = 0; ; ) {
    try {
      sent += writeSync(socket.fd, data)
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'EAGAIN') return sent
      throw error
    }
  }
}
