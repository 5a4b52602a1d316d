import type { DriverFailure, SocketKind } from '../driver/driver.js'
import type { ZeroCopyErrorCode, ZeroCopyErrorInit } from '../errors.js'

/** The reason why writes fail from some moment on. The error of each write is made from it. */
export interface Ending {
  code: ZeroCopyErrorCode
  message: string
  init: ZeroCopyErrorInit
}

/** `close()` was called. */
export const WRITER_CLOSED: Ending = { code: 'ERR_ZC_CLOSED', message: 'The writer is closed.', init: {} }

/** The caller's own socket was closed under the writer. */
export const SOCKET_CLOSED: Ending = { code: 'ERR_ZC_CLOSED', message: 'The socket was closed.', init: {} }

/** `socket.end()` was called. */
export const SOCKET_ENDED: Ending = {
  code: 'ERR_ZC_CLOSED',
  message: 'The socket was ended: nothing can be sent behind its end.',
  init: { remedy: 'Write before socket.end().' },
}

/** `socket.resetAndDestroy()` was called. */
export const SOCKET_RESET: Ending = { code: 'ERR_ZC_CLOSED', message: 'The socket was reset by this process.', init: {} }

/** A buffer was transferred between `write()` and its send. */
export const MEMORY_GONE: Ending = {
  code: 'ERR_ZC_BUFFER_DETACHED',
  message: 'The buffer was detached before it was sent: its memory was transferred elsewhere.',
  init: { remedy: 'Keep it until `released`.' },
}

/** `abort(reason)` was called. */
export function abortedEnding(reason: unknown): Ending {
  return { code: 'ERR_ZC_ABORTED', message: 'The writer was aborted.', init: { cause: reason } }
}

/** The signal of a write was aborted; `begun`: the kernel had some bytes of the write by then. */
export function signalEnding(reason: unknown, begun: boolean): Ending {
  const when = begun ? 'after the write was begun; the rest is still sent' : 'before anything was sent'
  return { code: 'ERR_ZC_ABORTED', message: `The signal was aborted ${when}.`, init: { cause: reason } }
}

/** Closing took longer than `drainTimeoutMs`; `failure`: a failure beneath the driver, which takes the blame instead of the peer. */
export function drainTimeoutEnding(drainTimeoutMs: number, kind: SocketKind, failure?: DriverFailure): Ending {
  if (failure !== undefined) {
    const { message, errno, syscall, remedy } = failure
    const waited = `Nothing more was heard of what is in flight within ${drainTimeoutMs} ms (drainTimeoutMs); the connection was aborted.`
    return { code: 'ERR_ZC_DRAIN_TIMEOUT', message: `${message} ${waited}`, init: { errno, syscall, remedy } }
  }
  if (kind === 'datagram') {
    return {
      code: 'ERR_ZC_DRAIN_TIMEOUT',
      message: `The device did not let go of every datagram within ${drainTimeoutMs} ms (drainTimeoutMs); the socket was aborted.`,
      init: {
        remedy:
          'Look for a device that is slow or stopped (`tc -s qdisc`, `ip -s link`); the kernel can hold back the notification of a datagram larger than ' +
          'the MTU until another packet flows: send smaller ones, or copy.',
      },
    }
  }
  return {
    code: 'ERR_ZC_DRAIN_TIMEOUT',
    message: `The peer took less than everything within ${drainTimeoutMs} ms (drainTimeoutMs); the connection was aborted.`,
    init: { remedy: 'Raise drainTimeoutMs, or find out why the peer does not read.' },
  }
}
