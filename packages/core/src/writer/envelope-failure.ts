import { Errno } from '../driver/errno.js'
import { MAX_UDP4_PAYLOAD_BYTES, type SendFailure, sendFailure } from '../driver/send-failure.js'
import type { PendingWrite } from './pending-write.js'

/** Datagrams of one UDP_SEGMENT write that every kernel takes: UDP_MAX_SEGMENTS before Linux 6.9. */
const MAX_DATAGRAMS_OF_OLD_KERNELS = 64

/**
 * The failed send of a datagram with an envelope, where its parts give the errno another meaning than {@link sendFailure} knows.
 * @param datagram - its write
 */
export function envelopeFailure(errno: number, datagram: PendingWrite | undefined): SendFailure | undefined {
  if (datagram === undefined) return undefined
  const { envelope, bytes } = datagram
  if (errno === Errno.EDESTADDRREQ) {
    return { code: 'ERR_ZC_NOT_CONNECTED', message: 'The socket has no peer, and the write no `to`.', remedy: 'Pass `to`, or connect it.' }
  }
  if (envelope === undefined) return undefined
  const { segmentBytes, source, sendAtNs } = envelope.parts
  if (errno === Errno.EMSGSIZE && segmentBytes !== undefined && bytes <= MAX_UDP4_PAYLOAD_BYTES) return segmentTooLarge(segmentBytes)
  if ((errno === Errno.EINVAL || errno === Errno.ENETUNREACH) && source !== undefined) {
    return {
      code: 'ERR_ZC_INVALID_ARGUMENT',
      message: `The kernel refuses the address ${source} as source: this machine lacks it, or no route leads from it to the receiver.`,
      remedy: 'Give an address that `ip address` shows, or leave the choice to the route.',
    }
  }
  if (errno === Errno.EINVAL && segmentBytes !== undefined) {
    const datagrams = Math.ceil(bytes / segmentBytes)
    // Older kernels answer so to a segment above the MTU, too (udp_send_skb).
    if (datagrams <= MAX_DATAGRAMS_OF_OLD_KERNELS) return segmentTooLarge(segmentBytes)
    return {
      code: 'ERR_ZC_TOO_MANY_SEGMENTS',
      message: `The kernel makes no ${datagrams} datagrams of one write (EINVAL): before Linux 6.9 it makes ${MAX_DATAGRAMS_OF_OLD_KERNELS} at most.`,
      remedy: 'Cut it into several writes, or raise segmentBytes.',
    }
  }
  if (errno === Errno.EIO && segmentBytes !== undefined) {
    return {
      code: 'ERR_ZC_UNSUPPORTED_SOCKET',
      message: 'The route to the receiver has no UDP_SEGMENT (EIO): its device computes no checksums, or IPsec encrypts on it.',
      remedy: 'Write without segmentBytes there.',
    }
  }
  if (errno === Errno.EINVAL && sendAtNs !== undefined) {
    return { code: 'ERR_ZC_SYSTEM', message: 'The kernel takes no time of sending on this socket (EINVAL).', remedy: 'Leave sendAtNs out.' }
  }
  if (envelope.to === undefined) return undefined
  const failure = sendFailure(errno, bytes)
  return { ...failure, message: `To ${envelope.to.address} port ${envelope.to.port}: ${failure.message}` }
}

function segmentTooLarge(segmentBytes: number): SendFailure {
  return {
    code: 'ERR_ZC_MESSAGE_TOO_LARGE',
    message: `A datagram of ${segmentBytes} bytes (segmentBytes) is larger than the MTU of the path, and UDP_SEGMENT does not fragment.`,
    remedy: 'Lower segmentBytes to the MTU less the headers (`ip route get ADDRESS` shows a known MTU; 28 bytes over IPv4, 48 over IPv6).',
  }
}
