import type { BenchRecord } from '../record/record.js'
import { wireSettingsText } from '../record/wire-settings.js'

/** Records that may stand in one section: the same machine, kernel, way of the bytes and machine model. */
export interface RecordGroup {
  /** Records with the same key form one group. */
  key: string
  title: string
  /** `native`, or the machine model of the virtual machine. */
  model: string
  /** True when the processor was emulated: such numbers compare with each other only. */
  emulated: boolean
  /** By command, then by start. */
  records: BenchRecord[]
}

/** Machine model of a record that names none. */
export const NATIVE = 'native'

/** Where a record names its machine model: fields that records of virtual machines carry in their host facts or options. */
const MODEL_FIELDS = ['machineModel', 'machine-model', 'model'] as const

/**
 * Groups records by host, kernel, path and machine model. Nothing measured in a virtual machine shares a group with a native record.
 * @param records - any; order does not matter
 * @returns native groups first, then by title
 */
export function groupRecords(records: readonly BenchRecord[]): RecordGroup[] {
  const groups = new Map<string, RecordGroup>()
  for (const record of records) {
    const group = groupOf(record)
    const known = groups.get(group.key)
    if (known === undefined) groups.set(group.key, group)
    else known.records.push(record)
  }
  for (const { records: own } of groups.values()) {
    own.sort((a, b) => commandRank(a) - commandRank(b) || a.command.localeCompare(b.command) || a.startedAt.localeCompare(b.startedAt))
  }
  return [...groups.values()].sort((a, b) => Number(a.emulated) - Number(b.emulated) || a.title.localeCompare(b.title))
}

function commandRank(record: BenchRecord): number {
  const order = ['sweep', 'paper', 'sizes', 'lo', 'rpc', 'ancestors', 'profile', 'connections', 'latency', 'peers']
  const at = order.indexOf(record.command)
  return at < 0 ? order.length : at
}

function groupOf(record: BenchRecord): RecordGroup {
  const { host, path } = record
  const { model, details } = machineOf(record)
  const emulated = model !== NATIVE
  const way = wayOf(record)
  const kernel = host.kernel.split(' ', 1)[0] ?? host.kernel
  const where = emulated
    ? `Virtual machine, model “${model}”${details === '' ? '' : ` (${details})`}`
    : `${host.cpuModel.trim()}, ${host.cpuCount} CPUs`
  return {
    key: [host.cpuModel, host.cpuCount, host.kernel, path.kind, way, model, details].join('\n'),
    title: `${where} · Linux ${kernel} · ${way}`,
    model,
    emulated,
    records: [record],
  }
}

/** Where the bytes of a record went, in words: a loopback that copies and one that does not are two ways. */
export function wayOf({ path, options }: Pick<BenchRecord, 'path' | 'options'>): string {
  if (path.kind === 'wire') {
    const settings = path.wire === undefined ? '' : wireSettingsText(path.wire)
    return `wire${settings === '' ? '' : `, ${settings}`}`
  }
  if (path.kind === 'remote') return `to ${path.host ?? 'another host'}`
  return options.loopbackWithoutCopy === true ? 'loopback that does not copy' : 'loopback'
}

/** The machine model of a record, and the settings that distinguish its virtual machine (page-table isolation, accelerator). */
export function machineOf(record: BenchRecord): { model: string; details: string } {
  const environment = objectOf((record.host as Record<string, unknown>).environment)
  const places = [environment, record.host as Record<string, unknown>, record.options]
  for (const place of places) {
    for (const field of MODEL_FIELDS) {
      const value = place[field]
      if (typeof value !== 'string' || value === '') continue
      return {
        model: value,
        details: [detailsOf(environment), ptiOf(`pti=${String(record.options.pti)}`)].filter((one) => one !== '').join(', '),
      }
    }
  }
  for (const note of record.notes) {
    const found = /machine model:?\s+["“']?([a-z]+)/iu.exec(note)
    if (found?.[1] !== undefined) return { model: found[1].toLowerCase(), details: ptiOf(note) }
  }
  // QEMU's own processor models name themselves so; a record that says no more is still not native.
  if (/\bQEMU\b|\bTCG\b/u.test(record.host.cpuModel)) return { model: 'emulated, not further named', details: '' }
  return { model: NATIVE, details: '' }
}

function detailsOf(environment: Record<string, unknown>): string {
  return Object.entries(environment)
    .filter(
      ([name, value]) => !(MODEL_FIELDS as readonly string[]).includes(name) && ['string', 'number', 'boolean'].includes(typeof value),
    )
    .map(([name, value]) => `${name} ${String(value)}`)
    .sort()
    .join(', ')
}

function ptiOf(note: string): string {
  const found = /\bpti[= ](on|off)/iu.exec(note)
  return found === null ? '' : `pti ${(found[1] as string).toLowerCase()}`
}

function objectOf(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
}
