import { ZeroCopyError } from '@sendzc/core'
import { Receiver } from '@sendzc/socket'
import { type AnyTransport, isIpTransport } from '../cells/cell.js'
import type { Endpoint } from '../cli/command-line.js'
import { BenchFailure, messageOf } from '../cli/failure.js'
import type { Destination } from '../ends/connect.js'
import { isSwept, openLoSocket, startLoReceiver } from '../ends/lo-sockets.js'
import { resolveDestinations } from '../ends/receivers.js'
import type { SocketSettings } from '../ends/socket-settings.js'
import type { LeftOut } from '../tables/lo-table.js'
import { openWire, type WireEnd } from '../wire/open-wire.js'
import type { WireMeter } from '../wire/wire-meter.js'
import type { Stage } from './stage.js'

/** Whether the other end is a process whose counters can be read. */
export function isProcess(receiver: Receiver | Destination): receiver is Receiver {
  return receiver instanceof Receiver
}

/** The other end of every transport of `bench lo`: a process of this machine, a port of another one, or the wire. */
export class LoEnds implements AsyncDisposable {
  readonly destinations = new Map<AnyTransport, Receiver | Destination>()
  /** Cells that this kernel does not have. */
  readonly leftOut: LeftOut[] = []
  /** Sentences for the reader of the record. */
  readonly notes: string[] = []
  #wire: WireEnd | undefined

  /**
   * @param transports - to send over
   * @param asked - whether the user named them: a missing one is then a failure
   * @throws BenchFailure in one line
   */
  static async open(transports: readonly AnyTransport[], asked: boolean, to: Endpoint | undefined, stage: Stage): Promise<LoEnds> {
    const ends = new LoEnds()
    const { wire, settings, processors } = stage
    try {
      if (wire !== undefined) await ends.#openWire(transports, stage)
      else if (to !== undefined) await ends.#resolve(transports, to)
      for (const transport of (wire ?? to) ? [...ends.destinations.keys()] : transports) {
        const there = ends.destinations.get(transport)
        const found = await reachable(transport, there, processors.receiver, settings, asked)
        if (typeof found === 'string') ends.leftOut.push({ transport, backend: undefined, why: found })
        else ends.destinations.set(transport, found)
      }
      return ends
    } catch (error) {
      await ends[Symbol.asyncDispose]()
      throw error
    }
  }

  /** Sees the bytes leave, on a wire. */
  get wire(): WireMeter | undefined {
    return this.#wire?.wire
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.destinations.values()].map((end) => (isProcess(end) ? end[Symbol.asyncDispose]() : undefined)))
    await this.#wire?.[Symbol.asyncDispose]()
  }

  async #openWire(transports: readonly AnyTransport[], { wire, settings, processors }: Stage): Promise<void> {
    if (wire === undefined) return
    this.#wire = await openWire({ transports: transports.filter(isSwept), cpu: processors.receiver, settings, wire })
    for (const [transport, destination] of this.#wire.destinations) this.destinations.set(transport, destination)
    this.notes.push(...this.#wire.notes)
  }

  async #resolve(transports: readonly AnyTransport[], to: Endpoint): Promise<void> {
    const { destinations, notes } = await resolveDestinations(transports.filter(isIpTransport), to)
    for (const [transport, destination] of destinations) this.destinations.set(transport, destination)
    this.notes.push(...notes, 'Rx and dropped are not known here: the other machine receives.')
  }
}

/**
 * Starts the other end, unless it is `there`, and connects to it once.
 * @returns the receiver, or why this kernel does not have the transport
 * @throws BenchFailure without permission, whoever asked
 */
async function reachable(
  transport: AnyTransport,
  there: Receiver | Destination | undefined,
  cpu: number | null,
  settings: SocketSettings,
  asked: boolean,
): Promise<Receiver | Destination | string> {
  let receiver: Receiver | undefined
  try {
    if (there === undefined) receiver = await startLoReceiver(transport, cpu, settings)
    const destination = receiver ?? (there as Destination)
    const socket = await openLoSocket(transport, destination, settings)
    socket.close()
    return destination
  } catch (error) {
    await receiver?.[Symbol.asyncDispose]()
    const why = messageOf(error)
    const permission = ZeroCopyError.is(error) && error.code === 'ERR_ZC_PERMISSION'
    if (asked || permission || !ZeroCopyError.is(error) || error.code !== 'ERR_ZC_UNSUPPORTED_SOCKET')
      throw new BenchFailure(`${transport}: ${why}${permission ? ` Or leave it out: --transports tcp4,udp4.` : ''}`, undefined, error)
    return why
  }
}
