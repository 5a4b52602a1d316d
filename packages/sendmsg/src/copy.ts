import type { Backend } from '@sendzc/core'
import { parseOptions } from '@sendzc/core/driver'
import { NotificationPath } from './native.js'
import { type CopyOptions, copyOptionsSchema } from './options.js'
import { probeCopy } from './probe.js'
import { SendmsgDriver } from './sendmsg-driver.js'

/**
 * Plain `sendmsg(2)`, which copies: the baseline, and the last resort where no other backend works. Memory is free as soon as it is sent.
 * Works on any connected TCP, UDP or RAW socket, on a vsock stream, and on a PACKET socket that is bound to an interface and an Ethernet type.
 * @throws ZeroCopyError ERR_ZC_INVALID_OPTION
 */
export function copy(options?: CopyOptions): Backend {
  parseOptions(copyOptionsSchema, options, 'copy()')
  const request = { backend: 'copy', path: NotificationPath.None, interval: 0, cmsgType: 0, capacity: 1 } as const
  return { name: 'copy', probe: probeCopy, open: (open) => SendmsgDriver.open(request, open) }
}
