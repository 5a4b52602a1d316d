import { type Backend, ZeroCopyError } from '@sendzc/core'
import { parseOptions } from '@sendzc/core/driver'
import { NotificationPath } from './native.js'
import { type InlineOptions, inlineOptionsSchema, LIMITS, SCM_ZC_NOTIFICATION } from './options.js'
import { inlineCheck, probeInline } from './probe.js'
import { processMemory, SendmsgDriver } from './sendmsg-driver.js'

/**
 * `sendmsg(2)` with MSG_ZEROCOPY and a control message that the kernel fills with notifications on its way back (SCM_ZC_NOTIFICATION):
 * one system call per send. The notifications of the last sends come through the error queue. No released kernel has it: see kernel/README.md.
 * @throws ZeroCopyError ERR_ZC_INVALID_OPTION; `open` throws ERR_ZC_BACKEND_UNAVAILABLE on a kernel without it
 */
export function inline(options?: InlineOptions): Backend {
  const resolved = parseOptions(inlineOptionsSchema, options, 'inline()')
  const cmsgType = resolved.cmsgType ?? SCM_ZC_NOTIFICATION
  const request = {
    backend: 'inline',
    path: NotificationPath.OnSends,
    interval: resolved.interval,
    cmsgType,
    capacity: resolved.capacity ?? Math.min(resolved.interval, LIMITS.inlineCapacity),
  } as const
  return {
    name: 'inline',
    processMemory: [processMemory],
    probe: () => probeInline(cmsgType),
    open(open) {
      const check = inlineCheck(cmsgType)
      if (!check.ok) {
        throw new ZeroCopyError('ERR_ZC_BACKEND_UNAVAILABLE', `inline: this kernel has no SCM_ZC_NOTIFICATION (${check.found}).`, {
          syscall: 'sendmsg',
          remedy: check.remedy,
        })
      }
      return SendmsgDriver.open(request, open)
    },
  }
}
