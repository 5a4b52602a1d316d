import type { ZeroCopyErrorCode } from '../errors.js'
import { Errno, errnoName } from './errno.js'

/** A failed send as the caller sees it. */
export interface SendFailure {
  code: ZeroCopyErrorCode
  message: string
  /** Undefined: the remedy of the code fits. */
  remedy?: string
}

/** Largest payload of one UDP datagram over IPv4, in bytes: 65,535 less the headers of IP and UDP. */
export const MAX_UDP4_PAYLOAD_BYTES = 65_507

const ASK_THE_ROUTE = 'Ask `ip route get ADDRESS` which route the kernel takes, and mend the route or the interface; then send again.'

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
  [Errno.ENOTCONN]: { code: 'ERR_ZC_NOT_CONNECTED', message: 'The socket is not connected.' },
  [Errno.EDESTADDRREQ]: { code: 'ERR_ZC_NOT_CONNECTED', message: 'The socket has no peer address.' },
  [Errno.EBADF]: { code: 'ERR_ZC_BAD_DESCRIPTOR', message: 'The descriptor is closed.' },
  [Errno.ENOBUFS]: {
    code: 'ERR_ZC_NO_BUFFERS',
    message: 'The kernel has no buffer memory for this send, not even for a copy.',
  },
  [Errno.ENOMEM]: {
    code: 'ERR_ZC_NO_BUFFERS',
    message: 'The kernel is out of memory for this send.',
    remedy: 'Give the machine or the control group more memory (memory.max), or send less at a time.',
  },
  [Errno.EPERM]: {
    code: 'ERR_ZC_PERMISSION',
    message: 'The send is not permitted: a firewall rule, a BPF program or a security module drops it, or a capability is missing.',
    remedy: 'Look for the rule (`nft list ruleset`, `iptables -S OUTPUT`), and allow the traffic.',
  },
  [Errno.EACCES]: {
    code: 'ERR_ZC_PERMISSION',
    message:
      'The send is not permitted: the route to the peer is of type prohibit, the address is one of broadcast, or a security module forbids it.',
    remedy:
      'Ask `ip route get ADDRESS` for a prohibit route and remove it; a socket that sends to a broadcast address needs setBroadcast(true).',
  },
  [Errno.ENETUNREACH]: {
    code: 'ERR_ZC_SYSTEM',
    message: 'There is no route to the network of the peer.',
    remedy: ASK_THE_ROUTE,
  },
  [Errno.EHOSTUNREACH]: {
    code: 'ERR_ZC_SYSTEM',
    message:
      'The host of the peer cannot be reached: its route is of type unreachable, a router said so, or it does not answer on its link.',
    remedy: ASK_THE_ROUTE,
  },
  [Errno.ENETDOWN]: { code: 'ERR_ZC_SYSTEM', message: 'The interface to the peer is down.', remedy: ASK_THE_ROUTE },
  [Errno.EHOSTDOWN]: { code: 'ERR_ZC_SYSTEM', message: 'The host of the peer is down.', remedy: ASK_THE_ROUTE },
  [Errno.ENODEV]: { code: 'ERR_ZC_SYSTEM', message: 'The device that the socket sends through is gone.', remedy: ASK_THE_ROUTE },
  [Errno.ENXIO]: { code: 'ERR_ZC_SYSTEM', message: 'The device that the socket sends through is gone.', remedy: ASK_THE_ROUTE },
  [Errno.EINVAL]: {
    code: 'ERR_ZC_SYSTEM',
    message: 'The kernel takes this send for invalid (EINVAL). On a datagram socket a route of type blackhole answers so.',
    remedy:
      'Ask `ip route get ADDRESS` for a blackhole route and remove it; else look up EINVAL in sendmsg(2) and in the manual page of the protocol.',
  },
}

/** Errors that no socket answers by itself. */
const FILTERED: SendFailure = {
  code: 'ERR_ZC_SYSTEM',
  message: 'The call that sends is answered without being made, again and again: a sandbox filters system calls (seccomp).',
  remedy: 'Allow the call in the sandbox.',
}
failures[Errno.EINTR] = failures[Errno.ENOSYS] = FILTERED

/** The errno does not name the limit that a datagram exceeded: it is the protocol's or the path's. */
function tooLarge(bytes: number | undefined): SendFailure {
  const size = bytes === undefined ? 'The datagram' : `The datagram of ${bytes} bytes`
  const remedy = `Send less: at most the MTU of the path less the headers (\`ip route get ADDRESS\` shows a known MTU; 28 bytes on UDP over IPv4, 48 over IPv6)`
  if (bytes !== undefined && bytes > MAX_UDP4_PAYLOAD_BYTES) {
    return {
      code: 'ERR_ZC_MESSAGE_TOO_LARGE',
      message: `${size} is larger than the protocol allows: UDP over IPv4 takes at most 65,507 bytes, over IPv6 65,527.`,
      remedy: 'Send less.',
    }
  }
  return {
    code: 'ERR_ZC_MESSAGE_TOO_LARGE',
    message: `${size} is larger than the protocol allows (65,507 bytes on UDP over IPv4), or than the MTU of the path on a socket that must not fragment.`,
    remedy: `${remedy}, or allow fragments (IP_MTU_DISCOVER = IP_PMTUDISC_DONT).`,
  }
}

/**
 * Translates the errno of a failed send.
 * @param bytes - size of the datagram, where it is known
 */
export function sendFailure(errno: number, bytes?: number): SendFailure {
  if (errno === Errno.EMSGSIZE) return tooLarge(bytes)
  return failures[errno] ?? { code: 'ERR_ZC_SYSTEM', message: `The send failed with ${errnoName(errno)}.` }
}

/** The warning for a zero-copy send that the kernel refused for want of memory with no message in flight. */
export function limitMessage(errno: number): string {
  return (
    `The kernel refused a zero-copy send (${errnoName(errno)}) with none in flight; such sends are copied. ` +
    'Raise net.core.optmem_max, or the memlock limit (ulimit -l).'
  )
}
