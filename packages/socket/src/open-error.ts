import type { ZeroCopyError } from '@sendzc/core'
import { errnoName } from '@sendzc/core/driver'
import type { ResolvedBindSpec, ResolvedListenSpec, ResolvedSocketSpec } from './socket-spec.js'
import { type ErrorContext, systemError } from './system-error.js'

/** @internal */
export interface BufferBytes {
  sendBufferBytes?: number | undefined
  receiveBufferBytes?: number | undefined
}

/** @internal */
export type AnySpec = ResolvedSocketSpec | ResolvedListenSpec | ResolvedBindSpec

/** vsock(7): VMADDR_CID_LOCAL, this machine. */
const VMADDR_CID_LOCAL = 1

const needsNetRaw = {
  why: 'RAW and PACKET sockets need the capability CAP_NET_RAW, which this process does not have',
  remedy: 'Run as root, or give the binary the capability: setcap cap_net_raw+ep "$(command -v node)"; in a container: --cap-add NET_RAW.',
} as const

const notAllowed = {
  why: 'this congestion control needs the capability CAP_NET_ADMIN: it is not in net.ipv4.tcp_allowed_congestion_control',
  remedy: 'Choose one of those that are, or add it to that sysctl.',
} as const

function congestionContext(spec: AnySpec, call: string, errno: string): Partial<ErrorContext> | undefined {
  if (call !== 'setsockopt(TCP_CONGESTION)') return undefined
  if (errno === 'EPERM') return notAllowed
  if (errno !== 'ENOENT') return undefined
  const name = 'congestionControl' in spec ? spec.congestionControl : undefined
  return {
    code: 'ERR_ZC_INVALID_OPTION',
    why: `this kernel has no congestion control "${name ?? ''}" (ENOENT)`,
    remedy: 'List them with: sysctl net.ipv4.tcp_available_congestion_control; others may be modules (modprobe tcp_NAME).',
  }
}

function permissionContext(call: string, errno: string): Partial<ErrorContext> | undefined {
  if (errno !== 'EPERM' && errno !== 'EACCES') return undefined
  if (call === 'socket' || call === 'setsockopt(SO_BINDTODEVICE)') return needsNetRaw
  if (call === 'bind') {
    return {
      why: 'ports below net.ipv4.ip_unprivileged_port_start need the capability CAP_NET_BIND_SERVICE',
      remedy: 'Choose a higher port, or give the process CAP_NET_BIND_SERVICE.',
    }
  }
  return { why: `${call} answered ${errno}: a firewall rule, or a broadcast address`, remedy: 'Look at the rules for outgoing traffic.' }
}

function protocolContext(spec: AnySpec, call: string, errno: string): Partial<ErrorContext> | undefined {
  if (call === 'socket' && ['EAFNOSUPPORT', 'EPROTONOSUPPORT', 'ESOCKTNOSUPPORT'].includes(errno)) {
    const missing = spec.protocol === 'vsock' ? 'AF_VSOCK' : spec.protocol.startsWith('packet') ? 'AF_PACKET' : 'this protocol'
    return {
      why: `this kernel does not have ${missing} (${errno})`,
      remedy: spec.protocol === 'vsock' ? 'Load it: modprobe vsock.' : 'Use a kernel that was built with it.',
    }
  }
  if (errno === 'ENODEV' && call !== 'connect') {
    const device = 'device' in spec ? spec.device : undefined
    return { code: 'ERR_ZC_INVALID_OPTION', why: `there is no interface "${device ?? ''}" (ENODEV)`, remedy: 'List them with: ip link.' }
  }
  if (spec.protocol !== 'vsock' || call !== 'connect' || !('cid' in spec)) return undefined
  if (!['ENODEV', 'ETIMEDOUT', 'ENETUNREACH', 'EHOSTUNREACH'].includes(errno)) return undefined
  return {
    code: 'ERR_ZC_UNSUPPORTED_SOCKET',
    why: `no VSOCK transport reaches context id ${spec.cid} (${errno})`,
    remedy:
      spec.cid === VMADDR_CID_LOCAL
        ? 'For this machine load the loopback transport: modprobe vsock_loopback (Linux 5.6).'
        : 'From a guest load vmw_vsock_virtio_transport, from the host vhost_vsock, and check that something listens there.',
  }
}

/** @internal */
export function limitContext(spec: BufferBytes, call: string, errno: string): Partial<ErrorContext> | undefined {
  if (errno === 'ERANGE') {
    const [option, sysctl, bytes] =
      call === 'setsockopt(SO_SNDBUF)'
        ? ['sendBufferBytes', 'net.core.wmem_max', spec.sendBufferBytes]
        : ['receiveBufferBytes', 'net.core.rmem_max', spec.receiveBufferBytes]
    return { why: `${option} (${bytes}) is above ${sysctl}`, remedy: `Raise ${sysctl}, ask for less, or give the process CAP_NET_ADMIN.` }
  }
  if (errno === 'EMFILE') return { why: 'the process has no free descriptor (EMFILE)', remedy: 'Raise RLIMIT_NOFILE (ulimit -n).' }
  if (errno === 'ENETDOWN') return { why: 'the interface is down (ENETDOWN)', remedy: 'Bring it up: ip link set <interface> up.' }
  return undefined
}

function refusedContext(spec: AnySpec, call: string, errno: string): Partial<ErrorContext> | undefined {
  if (call !== 'connect' || errno !== 'ECONNREFUSED' || !('port' in spec)) return undefined
  const where = 'host' in spec ? `${spec.host} port ${spec.port}` : `port ${spec.port}`
  return { why: `nothing listens at ${where} (ECONNREFUSED)`, remedy: 'Start the receiver there first.' }
}

/** The error of a failed opening, with the cause and the remedy that fit the protocol. */
export function openError(result: number, call: string, spec: AnySpec): ZeroCopyError {
  const errno = errnoName(result)
  const known =
    congestionContext(spec, call, errno) ??
    permissionContext(call, errno) ??
    protocolContext(spec, call, errno) ??
    limitContext(spec, call, errno) ??
    refusedContext(spec, call, errno)
  return systemError(result, call, { doing: `opening a ${spec.protocol} socket`, ...known })
}
