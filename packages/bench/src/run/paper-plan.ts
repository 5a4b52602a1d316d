import { findThroughput } from '../c-programs/zc-throughput.js'
import { hasLevel, type OwnCell } from '../cells/cell.js'
import { recordedNoDelay } from '../ends/connect.js'
import { emulationText, loopbackText, machineOptions } from '../machine/machine.js'
import type { ProbeRecord } from '../record/record.js'
import type { PAPER_LEVELS } from './paper-cell.js'
import type { Stage } from './stage.js'

/** Paths of the paper's tables: the baseline, and beside it those that the user names, or inline where the kernel has it. */
export function paperBackends(asked: readonly OwnCell['backend'][] | undefined, probes: readonly ProbeRecord[]): OwnCell['backend'][] {
  const inlineWorks = probes.some(({ label, available }) => label === 'inline' && available)
  const beside = asked ?? (inlineWorks ? (['inline'] as const) : (['errqueue-recvmmsg'] as const))
  return [...new Set<OwnCell['backend']>(['errqueue-recvmsg', ...beside])].filter((backend) => hasLevel(backend, 'driver'))
}

/** Finds the C sender, and the sentences about this machine, before the record begins. */
export async function preparePaper(
  options: { levels: readonly (typeof PAPER_LEVELS)[number][]; nodelay: boolean | undefined },
  { backends, probes, wire }: Stage,
) {
  const inline = probes.find(({ label }) => label === 'inline')
  const machine = await machineOptions()
  const notes = [
    ...(wire === undefined ? [loopbackText(machine.loopbackWithoutCopy)] : []),
    ...(inline?.available === true ? [] : [`New ZC (inline) was not measured: ${inline?.reason ?? 'it was not probed'}`]),
  ]
  const program = options.levels.includes('selftest') ? await findThroughput() : ''
  const emulated = emulationText(machine)
  return {
    recorded: { ...recordedNoDelay(options.nodelay), backends },
    notes,
    program,
    mark: emulated === undefined ? '' : ` [${emulated}]`,
  }
}
