import { type OpenSocket, openSocket } from '@sendzc/socket'
import { familyOf, isStream, type Level, type Transport } from '../cells/cell.js'
import type { SocketSettings } from './socket-settings.js'

/** Where a transport's bytes go. */
export interface Destination {
  /** Numeric address, or a name. */
  host: string
  port: number
}

/** The destination of a transport for which the run was opened. */
export function destinationOf<T extends string, D>({ destinations }: { destinations: ReadonlyMap<T, D> }, transport: T): D {
  const destination = destinations.get(transport)
  if (destination === undefined) throw new TypeError(`No receiver for ${transport}.`)
  return destination
}

/**
 * Opens a socket with the settings of the run.
 * @param noDelay - TCP_NODELAY; without it, as in the selftest, a send joins an earlier one that has not left yet, which decides how
 *   wide the ranges of the notifications are
 * @throws ZeroCopyError, ERR_ZC_CONNECTION_REFUSED where nobody listens
 */
export function connectTo(transport: Transport, destination: Destination, settings: SocketSettings, noDelay: boolean): Promise<OpenSocket> {
  const { host, port } = destination
  const common = { family: familyOf(transport), host, port, sendBufferBytes: settings.sendBufferBytes } as const
  if (!isStream(transport)) return openSocket({ protocol: 'udp', ...common })
  return openSocket({ protocol: 'tcp', noDelay, ...congestionOption(settings), ...common })
}

/** TCP_CONGESTION of `openSocket`, where the run sets one. */
export function congestionOption({ congestionControl }: SocketSettings): { congestionControl?: string } {
  return congestionControl === null ? {} : { congestionControl }
}

/**
 * TCP_NODELAY unless the user says otherwise. The driver level follows the kernel's selftest and the paper: off. The writer level follows
 * `openSocket`, which turns it on: a sender that waits for its buffers would otherwise wait for delayed acknowledgements.
 */
export function defaultNoDelay(level: Level): boolean {
  return level === 'writer'
}

/** A phrase for the reader of the tables. */
export function noDelayText(asked: boolean | undefined): string {
  if (asked !== undefined) return asked ? 'on' : 'off'
  return "off at the driver level, as in the kernel's selftest; on at the writer level, as openSocket() does (--nodelay sets both)"
}

/** TCP_NODELAY for the record, of the levels that share a run. */
export function recordedNoDelay(asked: boolean | undefined): { nodelay: boolean | Record<Level, boolean> } {
  return { nodelay: asked ?? { driver: defaultNoDelay('driver'), writer: defaultNoDelay('writer') } }
}
