import type { Command } from '../cli/command.js'
import { parseCommandLine, read } from '../cli/command-line.js'
import { ExitStatus, type ExitStatusCode } from '../cli/failure.js'
import type { ProbeRecord } from '../record/record.js'
import { probeBackends } from '../run/backends.js'
import { textTable } from '../tables/text-table.js'

/** Options of `sendzc doctor`. */
export const DOCTOR_OPTIONS = {
  json: { help: 'print the probes as JSON', schema: read.flag.default(false) },
}

/**
 * `sendzc doctor`: what each backend can do here and, where it cannot, why and what to do.
 * @returns 0 when at least one zero-copy backend works (`copy` is none), else 1
 */
export function doctor(args: readonly string[], write: (text: string) => void = (text) => process.stdout.write(text)): ExitStatusCode {
  const { json } = parseCommandLine(args, DOCTOR_OPTIONS)
  const probes = doctorProbes()
  const works = probes.some((probe) => probe.available && probe.backend !== 'copy')
  if (json) write(`${JSON.stringify({ zerocopy: works, probes }, null, 2)}\n`)
  else write(`${doctorReport(probes, works).join('\n')}\n`)
  return works ? ExitStatus.Ok : ExitStatus.Failed
}

/** Each backend once: the two ways to collect from the error queue share a probe. */
function doctorProbes(): ProbeRecord[] {
  return probeBackends(['errqueue-recvmmsg', 'inline', 'uring', 'copy']).map((probe) => ({ ...probe, label: probe.backend }))
}

/** The report as lines: a verdict per backend, every check, and every remedy once. */
export function doctorReport(probes: readonly ProbeRecord[], works: boolean): string[] {
  const verdicts = probes.map((probe) => [probe.label, probe.available ? 'yes' : 'no', probe.reason])
  const checks = probes.flatMap((probe) => probe.checks.map((check) => [probe.label, check.ok ? 'ok' : 'NO', check.name, check.found]))
  const remedies = new Set(
    probes.flatMap((probe) => [probe.remedy, ...probe.checks.filter((check) => !check.ok).map((check) => check.remedy)]),
  )
  remedies.delete(undefined)
  return [
    ...textTable(['backend', 'works', 'why'], verdicts, ['left', 'left', 'left']),
    '',
    ...textTable(['backend', 'ok', 'check', 'found'], checks, ['left', 'left', 'left', 'left']),
    ...(remedies.size === 0 ? [] : ['', 'What to do:', ...[...remedies].map((remedy) => `  - ${remedy}`)]),
    '',
    works ? 'Zero-copy sends work here.' : 'No zero-copy backend works here; copy() does the sending.',
  ]
}

/** See {@link doctor}. */
export const doctorCommand: Command = {
  about: 'Probes every backend on this host. Exit status 0 when at least one zero-copy backend works.',
  options: DOCTOR_OPTIONS,
  run: (args) => Promise.resolve(doctor(args)),
}
