import type { Capability } from '@sendzc/core'
import { installedBackends } from './auto.js'

/** The findings of one backend on this host, under the name that a report gives it. */
export type DoctorProbe = Pick<Capability, 'available' | 'reason' | 'checks'> & { label: string; remedy?: string | undefined }

/** Probes every backend. Never throws: a failure is a finding. */
export function doctorProbes(): DoctorProbe[] {
  return installedBackends().map((backend) => ({ label: backend.name, ...backend.probe() }))
}

/** Whether at least one backend sends without copying; `copy` does not. */
export function zerocopyWorks(probes: readonly DoctorProbe[]): boolean {
  return probes.some(({ available, label }) => available && label !== 'copy')
}

/** The report as lines: a verdict per backend, every check, and every remedy once. */
export function doctorReport(probes: readonly DoctorProbe[]): string[] {
  const verdicts = probes.map(({ label, available, reason }) => [label, available ? 'yes' : 'no', reason])
  const checks = probes.flatMap(({ label, checks: all }) => all.map(({ name, ok, found }) => [label, ok ? 'ok' : 'NO', name, found]))
  const remedies = new Set(
    probes.flatMap(({ remedy, checks: all }) => [remedy, ...all.map((check) => (check.ok ? undefined : check.remedy))]),
  )
  remedies.delete(undefined)
  return [
    ...table(['backend', 'works', 'why'], verdicts),
    '',
    ...(checks.length === 0 ? [] : [...table(['backend', 'ok', 'check', 'found'], checks), '']),
    ...(remedies.size === 0 ? [] : ['What to do:', ...[...remedies].map((remedy) => `  - ${remedy}`), '']),
    verdict(probes),
  ]
}

function verdict(probes: readonly DoctorProbe[]): string {
  if (zerocopyWorks(probes)) return 'Zero-copy sends work here.'
  return probes.some(({ available }) => available) ? 'No zero-copy backend works here; copy() does the sending.' : 'No backend works here.'
}

/** Rows of text in columns, set to the left. */
function table(header: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const widths = header.map((title, column) => Math.max(title.length, ...rows.map((row) => row[column]?.length ?? 0)))
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd()
  return [line(header), widths.map((width) => '-'.repeat(width)).join('  '), ...rows.map(line)]
}
