import type { ZeroCopyErrorCode } from '../errors.js'
import { Errno } from './driver.js'

const names = new Map<number, string>(Object.entries(Errno).map(([name, number]) => [number, name]))

/** The name of an errno, or `errno N` for one that {@link Errno} does not list. */
export function errnoName(errno: number): string {
  return names.get(errno) ?? `errno ${errno}`
}

/** What a failed send means for the caller. */
export interface SendFailure {
  code: ZeroCopyErrorCode
  message: string
  remedy?: string
}

const failures: Partial<Record<number, SendFailure>> = {
  [Errno.EPIPE]: { code: 'ERR_ZC_PEER_RESET', message: 'The connection is closed for sending.' },
  [Errno.ECONNRESET]: { code: 'ERR_ZC_PEER_RESET', message: 'The peer reset the connection.' },
  [Errno.ECONNABORTED]: { code: 'ERR_ZC_PEER_RESET', message: 'The connection was aborted.' },
  [Errno.ESHUTDOWN]: { code: 'ERR_ZC_PEER_RESET', message: 'The connection is shut down.' },
  [Errno.ETIMEDOUT]: { code: 'ERR_ZC_PEER_RESET', message: 'The connection timed out: the peer no longer answers.' },
  [Errno.ECONNREFUSED]: {
    code: 'ERR_ZC_CONNECTION_REFUSED',
    message: 'Nothing listens at the peer; an earlier datagram was refused, and the kernel reports it on this one, which was not sent.',
  },
  [Errno.EMSGSIZE]: {
    code: 'ERR_ZC_MESSAGE_TOO_LARGE',
    message: 'The datagram is larger than the socket can send.',
    remedy: 'Send less: UDP over IPv4 takes at most 65,507 bytes.',
  },
  [Errno.ENOTCONN]: { code: 'ERR_ZC_NOT_CONNECTED', message: 'The socket is not connected.' },
  [Errno.EDESTADDRREQ]: { code: 'ERR_ZC_NOT_CONNECTED', message: 'The socket has no peer address.', remedy: 'Connect it first.' },
  [Errno.EBADF]: { code: 'ERR_ZC_BAD_DESCRIPTOR', message: 'The descriptor is closed.' },
  [Errno.ENOBUFS]: {
    code: 'ERR_ZC_NO_BUFFERS',
    message: 'The kernel has no buffer memory for this send, not even for a copy.',
    remedy: 'Send more slowly, or raise net.core.wmem_max and the send buffer of the socket.',
  },
  [Errno.ENOMEM]: { code: 'ERR_ZC_NO_BUFFERS', message: 'The kernel is out of memory for this send.' },
  [Errno.EPERM]: { code: 'ERR_ZC_PERMISSION', message: 'The send is not permitted (a firewall rule or a missing capability).' },
  [Errno.EACCES]: { code: 'ERR_ZC_PERMISSION', message: 'The send is not permitted (a broadcast address, or a missing capability).' },
}

/** Translates the errno of a failed send. */
export function sendFailure(errno: number): SendFailure {
  return failures[errno] ?? { code: 'ERR_ZC_SYSTEM', message: `The send failed with ${errnoName(errno)}.` }
}

/** What is said once when a zero-copy send was refused for want of memory with nothing in flight. */
export function limitMessage(errno: number): string {
  return (
    `The kernel refused a zero-copy send (${errnoName(errno)}) with none in flight; such sends are copied. ` +
    'Raise net.core.optmem_max, or the memlock limit (ulimit -l).'
  )
}
