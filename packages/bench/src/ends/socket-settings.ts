import { readFile } from 'node:fs/promises'
import { BenchFailure } from '../cli/failure.js'

/** SO_SNDBUF and SO_RCVBUF that the kernel's selftest asks for, in bytes. */
export const WANTED_BUFFER_BYTES = 2_097_152

/** Value of `--congestion` that keeps the system's default. */
export const SYSTEM_CONGESTION = 'system'

/**
 * Congestion controls by default: the first of them that the kernel has. Neither paces: bbr arms a timer for every send, in a virtual
 * machine at the price of an exit each, and halves what TCP reaches on loopback, whatever the path.
 */
const UNPACED = ['cubic', 'reno'] as const

/** Settings of the measured sockets, the same for every path of a run. */
export interface SocketSettings {
  /** SO_SNDBUF, in bytes. */
  sendBufferBytes: number
  /** SO_RCVBUF, in bytes. */
  receiveBufferBytes: number
  /** TCP_CONGESTION; null = the system's default. */
  congestionControl: string | null
  /** The system's default, net.ipv4.tcp_congestion_control. */
  systemCongestionControl: string
}

/**
 * Buffer sizes as the kernel's selftest gets them: it asks for {@link WANTED_BUFFER_BYTES}, and setsockopt cuts that down to the sysctl
 * limit. The congestion control is the one asked for, else one that does not pace.
 * @param congestion - a name, or {@link SYSTEM_CONGESTION}
 * @throws BenchFailure for a congestion control that this kernel does not have or allow
 */
export async function socketSettings(congestion?: string): Promise<SocketSettings> {
  const limit = async (name: string): Promise<number> => Number(await setting(`core/${name}`))
  return {
    sendBufferBytes: Math.min(WANTED_BUFFER_BYTES, await limit('wmem_max')),
    receiveBufferBytes: Math.min(WANTED_BUFFER_BYTES, await limit('rmem_max')),
    congestionControl: await congestionControl(congestion),
    systemCongestionControl: await setting('ipv4/tcp_congestion_control'),
  }
}

/** A sentence for the reader of the record. */
export function congestionText({ congestionControl, systemCongestionControl }: SocketSettings): string {
  if (congestionControl === null) return `Congestion control of TCP: ${systemCongestionControl}, the system's.`
  return `Congestion control of TCP: ${congestionControl} (the system's is ${systemCongestionControl}; --congestion ${SYSTEM_CONGESTION} keeps it).`
}

async function congestionControl(asked: string | undefined): Promise<string | null> {
  if (asked === SYSTEM_CONGESTION) return null
  // tcp(7): CAP_NET_ADMIN may choose any that is available, other users only those that are allowed.
  const names = (await setting(`ipv4/tcp_${process.geteuid?.() === 0 ? 'available' : 'allowed'}_congestion_control`)).split(' ')
  if (asked === undefined) return UNPACED.find((name) => names.includes(name)) ?? null
  if (names.includes(asked)) return asked
  throw new BenchFailure(`--congestion: "${asked}" is not among ${names.join(', ')}, ${SYSTEM_CONGESTION}. See --help.`)
}

async function setting(name: string): Promise<string> {
  return (await readFile(`/proc/sys/net/${name}`, 'utf8')).trim()
}
