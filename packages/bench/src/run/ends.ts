import { openReceivers, type Receivers, type ReceiversOptions } from '../ends/receivers.js'
import type { WireSettings } from '../record/wire-settings.js'
import { openWire } from '../wire/open-wire.js'
import type { WireMeter } from '../wire/wire-meter.js'

/** The other end of a run: receiving processes of this machine, another machine, or the wire. */
export interface Ends extends Receivers {
  /** Sees the bytes leave, on a wire. */
  wire?: WireMeter
}

/** The other end of {@link openEnds}. */
export interface EndsOptions extends ReceiversOptions {
  /** The wire that this process is on; undefined = there is none. */
  wire: WireSettings | undefined
}

/**
 * Opens the other end.
 * @throws BenchFailure where it cannot be opened
 */
export function openEnds({ wire, ...options }: EndsOptions): Promise<Ends> {
  return wire === undefined ? openReceivers(options) : openWire({ ...options, wire })
}
