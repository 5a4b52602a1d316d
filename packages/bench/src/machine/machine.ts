import { readFile } from 'node:fs/promises'

/** Name of the measurement sysctl of kernel/lab. */
export const LOOPBACK_SYSCTL = 'net.core.zerocopy_loopback_rx'

/** Settings of the machine that every record carries. Records that differ in one of them are never compared. */
export interface MachineOptions {
  /** Model of the guest, as `vm run` names it; `native` outside of a guest, and in a guest whose processor is not emulated. */
  machineModel: string
  /** Page-table isolation of the guest, `on` or `off`; null outside of one. */
  pti: string | null
  /** Whether loopback hands the sender's memory on instead of copying it; null where the kernel has no such setting. */
  loopbackWithoutCopy: boolean | null
}

/** Asks the environment and the kernel. Never throws: a setting that cannot be known is null. */
export async function machineOptions(environment: NodeJS.ProcessEnv = process.env): Promise<MachineOptions> {
  return {
    machineModel: environment.SENDZC_MACHINE_MODEL ?? 'native',
    pti: environment.SENDZC_VM_PTI ?? null,
    loopbackWithoutCopy: await loopbackWithoutCopy(),
  }
}

/** The remark on every figure of an emulated processor; undefined for a real one. */
export function emulationText({ machineModel, pti }: MachineOptions): string | undefined {
  return machineModel === 'native' ? undefined : `EMULATED, machine model ${machineModel}, pti ${pti ?? 'unknown'}: not native figures`
}

async function loopbackWithoutCopy(): Promise<boolean | null> {
  const path = `/proc/sys/${LOOPBACK_SYSCTL.replaceAll('.', '/')}`
  const text = await readFile(path, 'utf8').catch(() => undefined)
  return text === undefined ? null : text.trim() === '1'
}

/** How loopback treats the sender's memory, and how to change that, for the reader of the paper's tables. */
export function loopbackText(withoutCopy: boolean | null): string {
  if (withoutCopy === true) return `Loopback hands the sender's memory on (${LOOPBACK_SYSCTL}=1), as in the paper's test.`
  const remedy = withoutCopy === null ? 'this kernel has no setting for that' : `sysctl ${LOOPBACK_SYSCTL}=1 changes that`
  return `Loopback copies on reception: the figures tell what notifications cost, not what zero-copy saves (${remedy}).`
}
