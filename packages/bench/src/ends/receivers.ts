import { lookup } from 'node:dns/promises'
import { existsSync, readFileSync } from 'node:fs'
import { type Receiver, startReceiver } from '@sendzc/socket'
import { familyOf, type IpTransport, isStream, type Transport } from '../cells/cell.js'
import type { Endpoint } from '../cli/command-line.js'
import { BenchFailure, messageOf } from '../cli/failure.js'
import type { Destination } from './connect.js'
import type { SocketSettings } from './socket-settings.js'

/** SO_RCVLOWAT of the receiver's connections, in bytes, as the kernel's selftest sets it: each wake-up is then worth its cost. */
const WAKE_BYTES = 65_536

/** Set where loopback keeps the sender's pages (kernel/lab). The bytes that a receiver leaves unread would then never be released. */
const LOOPBACK_SETTING = '/proc/sys/net/core/zerocopy_loopback_rx'

function wakeBytes(): number {
  return existsSync(LOOPBACK_SETTING) && readFileSync(LOOPBACK_SETTING, 'utf8').trim() === '1' ? 1 : WAKE_BYTES
}

/** The other end of {@link openReceivers}. */
export interface ReceiversOptions {
  transports: readonly Transport[]
  /** The other machine; undefined = processes of this one. */
  to: Endpoint | undefined
  /** CPU of the receiving processes; null = not pinned. */
  cpu: number | null
  settings: SocketSettings
  /** Pause after each round of reading, in µs, of receivers on this machine; their own default without it. */
  coalesceUs?: number
}

/** The other end of a run. */
export interface Receivers extends AsyncDisposable {
  destinations: ReadonlyMap<Transport, Destination>
  /** Those of the transports asked for that are reachable. */
  transports: Transport[]
  /** A sentence for each that is not. */
  notes: string[]
  /** The receiving process of a transport; undefined on another machine. */
  processOf(transport: Transport): Receiver | undefined
}

/**
 * Starts one receiving process per transport on this machine, or finds out which transports reach another machine.
 * @throws BenchFailure when none can
 */
export function openReceivers(options: ReceiversOptions): Promise<Receivers> {
  return options.to === undefined ? startLocal(options) : resolveRemote(options.transports, options.to)
}

/**
 * Starts a receiving process as every command does.
 * @param at - where it listens, and options that differ from the common ones
 */
export function startDiscarding(
  transport: Transport,
  cpu: number | null,
  settings: SocketSettings,
  at?: Partial<Destination> & { coalesceUs?: number },
): Promise<Receiver> {
  const common = {
    mode: 'discard',
    family: familyOf(transport),
    receiveBufferBytes: settings.receiveBufferBytes,
    ...(cpu === null ? {} : { cpu }),
    ...at,
  } as const
  return isStream(transport)
    ? startReceiver({ protocol: 'tcp', wakeBytes: wakeBytes(), ...common })
    : startReceiver({ protocol: 'udp', ...common })
}

async function startLocal({ transports, cpu, settings, coalesceUs }: ReceiversOptions): Promise<Receivers> {
  const started = new Map<Transport, Receiver>()
  const stopAll = async (): Promise<void> => {
    await Promise.all([...started.values()].map((receiver) => receiver[Symbol.asyncDispose]()))
  }
  const notes: string[] = []
  for (const transport of transports) {
    try {
      started.set(transport, await startDiscarding(transport, cpu, settings, coalesceUs === undefined ? {} : { coalesceUs }))
    } catch (error) {
      // A host without IPv6 still has half of the sweep.
      notes.push(`Left out: ${transport}, since nothing can receive it here: ${messageOf(error)}`)
    }
  }
  if (started.size === 0) throw new BenchFailure(`No receiver could be started. ${notes.join(' ')}`)
  return {
    destinations: new Map([...started].map(([transport, { host, port }]) => [transport, { host, port }])),
    transports: [...started.keys()],
    notes,
    processOf: (transport) => started.get(transport),
    [Symbol.asyncDispose]: stopAll,
  }
}

async function resolveRemote(asked: readonly Transport[], to: Endpoint): Promise<Receivers> {
  const { destinations, notes } = await resolveDestinations(asked, to)
  return {
    destinations,
    transports: [...destinations.keys()],
    notes,
    processOf: () => undefined,
    [Symbol.asyncDispose]: () => Promise.resolve(),
  }
}

/**
 * The destination of each transport on another machine, and a sentence for each transport that has none.
 * @throws BenchFailure when none can
 */
export async function resolveDestinations<T extends IpTransport>(
  transports: readonly T[],
  { host, port }: Endpoint,
): Promise<{ destinations: Map<T, Destination>; notes: string[] }> {
  const found = await lookup(host, { all: true }).catch((error: unknown) => {
    throw new BenchFailure(`--to: "${host}" has no address: ${messageOf(error)}`, undefined, error)
  })
  const destinations = new Map<T, Destination>()
  const notes: string[] = []
  for (const transport of transports) {
    const address = found.find(({ family }) => family === familyOf(transport))?.address
    if (address === undefined) notes.push(`Left out: ${transport}, since ${host} has no IPv${familyOf(transport)} address.`)
    else destinations.set(transport, { host: address, port })
  }
  if (destinations.size === 0) throw new BenchFailure(`--to: ${notes.join(' ')}`)
  return { destinations, notes }
}
