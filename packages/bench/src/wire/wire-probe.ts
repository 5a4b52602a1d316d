import { messageOf } from '../cli/failure.js'
import { WIRE_DEFAULTS } from '../record/wire-settings.js'
import { WireNamespace } from './wire-namespace.js'
import { WirePeer } from './wire-peer.js'
import { buildWirePrograms, missingTools } from './wire-programs.js'

/** Whether the wire works here. */
export interface WireProbe {
  available: boolean
  /** Cause and remedy where the wire does not work, otherwise how it was found to work. */
  reason: string
}

/**
 * Makes a wire and removes it. Installs nothing. Never throws.
 * @param missing - the answer of {@link missingTools}
 */
export async function probeWire(missing: string | undefined = missingTools()): Promise<WireProbe> {
  if (missing !== undefined) return { available: false, reason: missing }
  try {
    const programs = await buildWirePrograms()
    using namespace = WireNamespace.create(WIRE_DEFAULTS.mtuBytes)
    await using peer = await WirePeer.start({
      programs,
      settings: WIRE_DEFAULTS,
      cpu: null,
      within: (...command) => namespace.command(...command),
    })
    await peer.stats()
    return { available: true, reason: `a namespace, veth, clsact and BPF are here; TCP's default there is ${namespace.congestionControl}` }
  } catch (error) {
    return { available: false, reason: messageOf(error) }
  }
}

/** One line for the reader of a report. */
export function wireProbeText({ available, reason }: WireProbe): string {
  return `The laboratory's wire (--wire) ${available ? 'works' : 'does not work'} here: ${reason}${reason.endsWith('.') ? '' : '.'}`
}
