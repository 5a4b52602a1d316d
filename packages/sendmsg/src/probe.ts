import { readFileSync } from 'node:fs'
import { release } from 'node:os'
import { type BackendName, type Capability, ZeroCopyError } from '@sendzc/core'
import { type CapabilityCheck, errnoName, unfitForAddons } from '@sendzc/core/driver'
import { Domain, loadNative, type NativeAddon, SocketType } from './native.js'

/** Memory that the kernel books per notification that waits, in bytes: a socket buffer without data (SKB_TRUESIZE(0)), roughly. */
const NOTIFICATION_BYTES = 768
/** Below this, 32 sends in flight exhaust the socket's option memory. */
const LOW_OPTMEM_BYTES = 32 * NOTIFICATION_BYTES
/** Below this, one message of 1 MB cannot be pinned by an ordinary user. */
const LOW_MEMLOCK_BYTES = 1_048_576

const INLINE_REMEDY = 'Boot the kernel that kernel/README.md builds (pnpm vm build), or use errqueue().'

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
}

function kernelCheck(): CapabilityCheck {
  const found = release()
  const [major = 0, minor = 0] = found.split('.').map((part) => Number.parseInt(part, 10))
  const ok = major > 4 || (major === 4 && minor >= 14)
  return { name: 'kernel', ok, found, ...(ok ? {} : { remedy: 'MSG_ZEROCOPY needs Linux 4.14.' }) }
}

function zerocopyCheck(addon: NativeAddon, name: string, domain: number, type: number): CapabilityCheck {
  const result = addon.probeZerocopy(domain, type)
  if (result === 0) return { name: `SO_ZEROCOPY on ${name}`, ok: true, found: 'yes' }
  const remedy = domain === Domain.Vsock ? 'vsock needs Linux 6.7 and a vsock transport.' : 'TCP needs Linux 4.14, UDP 5.0.'
  return { name: `SO_ZEROCOPY on ${name}`, ok: false, found: errnoName(result), remedy }
}

function zerocopyChecks(addon: NativeAddon): CapabilityCheck[] {
  return [
    zerocopyCheck(addon, 'TCP over IPv4', Domain.Inet, SocketType.Stream),
    zerocopyCheck(addon, 'TCP over IPv6', Domain.Inet6, SocketType.Stream),
    zerocopyCheck(addon, 'UDP over IPv4', Domain.Inet, SocketType.Dgram),
    zerocopyCheck(addon, 'UDP over IPv6', Domain.Inet6, SocketType.Dgram),
    zerocopyCheck(addon, 'vsock', Domain.Vsock, SocketType.Stream),
  ]
}

function optmemCheck(): CapabilityCheck {
  const text = readText('/proc/sys/net/core/optmem_max')?.trim()
  const bytes = Number(text)
  if (text === undefined || !Number.isFinite(bytes)) {
    return { name: 'net.core.optmem_max', ok: true, found: 'not readable here' }
  }
  const ok = bytes >= LOW_OPTMEM_BYTES
  const found = `${bytes} bytes: room for about ${Math.floor(bytes / NOTIFICATION_BYTES)} notifications per socket`
  return {
    name: 'net.core.optmem_max',
    ok,
    found,
    ...(ok ? {} : { remedy: 'sysctl -w net.core.optmem_max=131072 (the default since Linux 6.7).' }),
  }
}

function memlockCheck(): CapabilityCheck {
  const line = readText('/proc/self/limits')?.match(/^Max locked memory\s+(\S+)/m)?.[1]
  if (line === undefined || line === 'unlimited') return { name: 'RLIMIT_MEMLOCK', ok: true, found: line ?? 'not readable here' }
  const privileged = process.geteuid?.() === 0
  const ok = privileged || Number(line) >= LOW_MEMLOCK_BYTES
  const found = `${line} bytes${privileged ? ', not applied to root (CAP_IPC_LOCK)' : ''}`
  return {
    name: 'RLIMIT_MEMLOCK',
    ok,
    found,
    ...(ok ? {} : { remedy: 'Raise it (ulimit -l): pages in flight count against it, per user.' }),
  }
}

/** @internal Whether the kernel fills the placeholder of the inline notification. */
export function inlineCheck(cmsgType: number): CapabilityCheck {
  const name = 'SCM_ZC_NOTIFICATION'
  const result = loadNative().probeInline(cmsgType)
  if (result === 1) return { name, ok: true, found: 'filled by the kernel' }
  const found = result === 0 ? 'ignored by the kernel' : `sendmsg: ${errnoName(result)}`
  return { name, ok: false, found, remedy: INLINE_REMEDY }
}

/** Runs `look`, and turns what it throws into a capability that is not available. */
function guarded(backend: BackendName, look: () => Capability): Capability {
  try {
    return look()
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    const remedy = ZeroCopyError.is(error) ? error.remedy : undefined
    return { backend, available: false, reason, ...(remedy === undefined ? {} : { remedy }), checks: [] }
  }
}

/** @internal */
export function probeCopy(): Capability {
  if (unfitForAddons() !== undefined) {
    return { backend: 'copy', available: true, reason: "The runtime's own socket, which copies.", checks: [] }
  }
  return guarded('copy', () => {
    loadNative()
    return { backend: 'copy', available: true, reason: 'sendmsg, copied by the kernel.', checks: [kernelCheck()] }
  })
}

/** @internal */
export function probeErrqueue(): Capability {
  return guarded('errqueue', () => {
    const sockets = zerocopyChecks(loadNative())
    const checks = [kernelCheck(), ...sockets, optmemCheck(), memlockCheck()]
    const usable = sockets.filter((check) => check.ok)
    if (usable.length > 0) {
      return { backend: 'errqueue', available: true, reason: 'sendmsg with MSG_ZEROCOPY, notified through the error queue.', checks }
    }
    const first = sockets[0] as CapabilityCheck
    const remedy = 'Use Linux 4.14 or newer, outside a sandbox that filters setsockopt.'
    return { backend: 'errqueue', available: false, reason: `SO_ZEROCOPY is refused: ${first.found}.`, remedy, checks }
  })
}

/** @internal */
export function probeInline(cmsgType: number): Capability {
  return guarded('inline', () => {
    const notification = inlineCheck(cmsgType)
    const checks = [kernelCheck(), notification, ...zerocopyChecks(loadNative()), optmemCheck(), memlockCheck()]
    if (notification.ok) {
      return { backend: 'inline', available: true, reason: 'sendmsg with MSG_ZEROCOPY, notified by the same call.', checks }
    }
    const reason = `This kernel has no ${notification.name} (${notification.found}).`
    return { backend: 'inline', available: false, reason, remedy: INLINE_REMEDY, checks }
  })
}
