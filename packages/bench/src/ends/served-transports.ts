import { ZeroCopyError } from '@sendzc/core'
import type { Receiver } from '@sendzc/socket'
import { familyOf, type IpTransport, isStream } from '../cells/cell.js'
import { BenchFailure, messageOf } from '../cli/failure.js'
import { isSwept, startLoReceiver } from './lo-sockets.js'
import type { SocketSettings } from './socket-settings.js'

/** The receivers of {@link serveTransports}. */
export interface ServedOptions {
  /** 0 = the kernel chooses. */
  port: number
  /** CPU of the receivers; null = not pinned. */
  cpu: number | null
  settings: SocketSettings
}

/**
 * Starts a receiver for each transport, on one port for all of them, and prints where each listens.
 * @param receivers - every receiver is added as it starts; the caller disposes of them, also after a failure
 * @returns the port; 0 where no transport has one
 * @throws BenchFailure when a transport cannot be served
 */
export async function serveTransports(
  transports: readonly IpTransport[],
  options: ServedOptions,
  receivers: AsyncDisposable[],
): Promise<number> {
  let { port } = options
  const served = new Set<IpTransport>()
  // IPv6 first: its sockets take IPv4 as well, unless net.ipv6.bindv6only says otherwise.
  for (const transport of [...transports].sort((a, b) => familyOf(b) - familyOf(a))) {
    const receiver = await startServing(transport, { ...options, port }, served)
    served.add(transport)
    if (receiver === undefined) {
      process.stdout.write(`${transport} on the same port\n`)
      continue
    }
    receivers.push(receiver)
    if (!isSwept(transport)) {
      process.stdout.write(`${transport} on ${receiver.host}, which has no port\n`)
      continue
    }
    // The first one's port is everyone's, so that one --to names them all.
    port = receiver.port
    process.stdout.write(`${transport} on ${familyOf(transport) === 6 ? `[${receiver.host}]` : receiver.host}:${receiver.port}\n`)
  }
  return port
}

/**
 * Starts the receiver of a transport, or finds that the IPv6 socket on this port takes IPv4 too (ipv6(7), IPV6_V6ONLY).
 * @throws BenchFailure when the port is someone else's
 */
async function startServing(
  transport: IpTransport,
  { port, cpu, settings }: ServedOptions,
  served: ReadonlySet<IpTransport>,
): Promise<Receiver | undefined> {
  try {
    return await startLoReceiver(transport, cpu, settings, { host: familyOf(transport) === 6 ? '::' : '0.0.0.0', port })
  } catch (error) {
    const sibling = isStream(transport) ? 'tcp6' : 'udp6'
    if (familyOf(transport) === 4 && served.has(sibling) && ZeroCopyError.is(error) && error.errno === 'EADDRINUSE') return undefined
    const where = isSwept(transport) ? ` on port ${port}` : ''
    throw new BenchFailure(`Cannot serve ${transport}${where}: ${messageOf(error)}`, undefined, error)
  }
}
