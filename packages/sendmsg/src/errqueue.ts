import type { Backend } from '@sendzc/core'
import { parseOptions } from '@sendzc/core/driver'
import { NotificationPath } from './native.js'
import { type ErrqueueOptions, errqueueOptionsSchema } from './options.js'
import { probeErrqueue } from './probe.js'
import { processMemory, SendmsgDriver } from './sendmsg-driver.js'

/**
 * `sendmsg(2)` with MSG_ZEROCOPY, notifications from the socket's error queue. Linux 4.14 (TCP), 5.0 (UDP), 6.7 (vsock).
 *
 * The socket gets SO_ZEROCOPY and keeps it. Its error queue is read: other messages on it (ICMP errors, timestamps) are counted and
 * dropped. A socket that had SO_ZEROCOPY before starts with one zero-copy message at a time, until its notification has shown the
 * kernel's count. Another sender on the socket with MSG_ZEROCOPY makes that count useless, and every message is copied then.
 * One driver of the process reads the notifications of a socket: while it is open, in whichever thread, `open` throws ERR_ZC_SOCKET_OWNED.
 *
 * Over vsock a send carries one packet, 65,536 bytes at most: in kernels without a later fix (6.18.19; 6.12.117 has it) only the last packet of a larger one carries
 * the notification.
 *
 * Sources: Documentation/networking/msg_zerocopy.rst, net/vmw_vsock/virtio_transport_common.c.
 * @throws ZeroCopyError ERR_ZC_INVALID_OPTION
 */
export function errqueue(options?: ErrqueueOptions): Backend {
  const { collect, interval } = parseOptions(errqueueOptionsSchema, options, 'errqueue()')
  const path = collect === 'recvmsg' ? NotificationPath.Recvmsg : NotificationPath.Recvmmsg
  const request = { backend: 'errqueue', path, interval: interval ?? 0, cmsgType: 0, capacity: 1 } as const
  return { name: 'errqueue', probe: probeErrqueue, processMemory: [processMemory], open: (open) => SendmsgDriver.open(request, open) }
}
