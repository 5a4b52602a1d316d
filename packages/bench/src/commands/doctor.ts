import { doctorProbes, doctorReport, zerocopyWorks } from 'sendzc/doctor'
import type { Command } from '../cli/command.js'
import { parseCommandLine, read } from '../cli/command-line.js'
import { ExitStatus, type ExitStatusCode } from '../cli/failure.js'
import { probeWire, wireProbeText } from '../wire/wire-probe.js'

/** Options of `bench doctor`. */
export const DOCTOR_OPTIONS = {
  json: { help: 'print the probes as JSON', schema: read.flag.default(false) },
}

/**
 * `bench doctor`: what each backend can do here and, where it cannot, why and what to do; the same as `sendzc doctor`, and the laboratory's wire.
 * @returns 0 when at least one zero-copy backend works (`copy` is none), else 1
 */
export async function doctor(
  args: readonly string[],
  write: (text: string) => void = (text) => process.stdout.write(text),
): Promise<ExitStatusCode> {
  const { json } = parseCommandLine(args, DOCTOR_OPTIONS)
  const probes = doctorProbes()
  const works = zerocopyWorks(probes)
  const wire = await probeWire()
  if (json) write(`${JSON.stringify({ zerocopy: works, probes, wire }, null, 2)}\n`)
  else write(`${[...doctorReport(probes), wireProbeText(wire)].join('\n')}\n`)
  return works ? ExitStatus.Ok : ExitStatus.Failed
}

/** See {@link doctor}. */
export const doctorCommand: Command = {
  about: 'Probes every backend on this host. Exit status 0 when at least one zero-copy backend works.',
  options: DOCTOR_OPTIONS,
  run: (args) => doctor(args),
}
