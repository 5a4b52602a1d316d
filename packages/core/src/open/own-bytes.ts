import type { Socket } from 'node:net'
import { ZeroCopyError } from '../errors.js'

/** Time, in ms, that a socket may stay corked while a writer is being opened on it: `node:http` corks for the rest of a tick. */
const MAX_CORKED_MS = 1_000

/**
 * Resolves when the earlier bytes of `socket.write()` have left: the writer's bytes come after them.
 * @param drainTimeoutMs - limit of the wait, in ms
 */
export async function ownBytesSent(socket: Socket, drainTimeoutMs: number): Promise<void> {
  const deadlineMs = performance.now() + drainTimeoutMs
  // Others may write meanwhile.
  while (socket.writableLength > 0) {
    const leftMs = Math.max(0, deadlineMs - performance.now())
    await ownBytesSentOnce(socket, leftMs, drainTimeoutMs)
  }
}

function ownBytesSentOnce(socket: Socket, leftMs: number, drainTimeoutMs: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const fail = (error: ZeroCopyError): void => {
      clearTimeout(timer)
      clearTimeout(corkTimer)
      reject(error)
    }
    const timer = setTimeout(() => {
      const message = `socket.write() still has ${socket.writableLength} bytes to send after ${drainTimeoutMs} ms (drainTimeoutMs).`
      fail(new ZeroCopyError('ERR_ZC_DRAIN_TIMEOUT', message, { remedy: 'Raise drainTimeoutMs, or find out why the peer does not read.' }))
    }, leftMs)
    const corkTimer = setTimeout(() => {
      if (socket.writableCorked === 0) return
      const message = `The socket is corked, and ${socket.writableLength} bytes wait in it.`
      fail(new ZeroCopyError('ERR_ZC_DRAIN_TIMEOUT', message, { remedy: 'Call socket.uncork() before openWriter().' }))
    }, MAX_CORKED_MS)
    // The socket answers writes in order, so the answer to an empty write comes after the answers to all earlier writes.
    socket.write('', (cause) => {
      clearTimeout(timer)
      clearTimeout(corkTimer)
      if (cause == null) resolve()
      else reject(new ZeroCopyError('ERR_ZC_CLOSED', 'The socket failed before its own bytes were sent.', { cause }))
    })
  })
}
