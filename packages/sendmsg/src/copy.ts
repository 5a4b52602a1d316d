import type { Backend } from '@sendzc/core'
import { parseOptions, unfitForAddons } from '@sendzc/core/driver'
import { NotificationPath } from './native.js'
import { type CopyOptions, copyOptionsSchema } from './options.js'
import { OwnWayDriver } from './own-way-driver.js'
import { probeCopy } from './probe.js'
import { SendmsgDriver } from './sendmsg-driver.js'

/**
 * Plain `sendmsg(2)`, which copies: the baseline, and the last resort where no other backend works. Memory is free as soon as it is sent.
 * Works on any connected TCP, UDP or RAW socket, on a vsock stream, and on a PACKET socket that is bound to an interface and an Ethernet type.
 *
 * On macOS, Windows, Bun and Deno it sends by the way of the runtime's own socket: on a `net.Socket` or a `dgram.Socket`, and not on a descriptor. One
 * more copy is made there, so that the memory is free of everybody when it is sent.
 * @throws ZeroCopyError ERR_ZC_INVALID_OPTION
 */
export function copy(options?: CopyOptions): Backend {
  parseOptions(copyOptionsSchema, options, 'copy()')
  const request = { backend: 'copy', path: NotificationPath.None, interval: 0, cmsgType: 0, capacity: 1 } as const
  return {
    name: 'copy',
    probe: probeCopy,
    open: (open) =>
      open.ownWay !== undefined && unfitForAddons() !== undefined
        ? new OwnWayDriver(open.ownWay(), open)
        : SendmsgDriver.open(request, open),
  }
}
