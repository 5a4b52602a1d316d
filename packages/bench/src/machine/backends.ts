import { auto, type Backend } from '@sendzc/core'
import { copy, errqueue, inline } from '@sendzc/sendmsg'
import { type UringOptions, uring } from '@sendzc/uring'
import { BACKENDS, type BackendLabel } from '../cells/cell.js'
import { BenchFailure, messageOf } from '../cli/failure.js'
import type { ProbeRecord } from '../record/record.js'

/** Registered memory of a probe. A measurement has its own: see {@link registeredBuffers}. */
const PROBED_BUFFER = { count: 1, bytes: 4_096 } as const

/**
 * The backend behind a label, set to collect notifications after every `interval` sends.
 * `uring` and `copy` have no such setting: for them the interval is only the number of sends in a burst.
 * @param ring - of `uring`, also within `auto`
 */
export function backendFor(label: BackendLabel, interval: number, ring: UringOptions = {}): Backend {
  switch (label) {
    case 'copy':
      return copy()
    case 'errqueue-recvmsg':
      return errqueue({ collect: 'recvmsg', interval })
    case 'errqueue-recvmmsg':
      return errqueue({ collect: 'recvmmsg', interval })
    case 'uring':
      return uring(ring)
    case 'uring-fixed':
      return uring({ ...ring, fixedBuffers: PROBED_BUFFER })
    case 'inline':
      return inline({ interval })
    case 'auto':
      return auto([uring(ring), inline(), errqueue(), copy()])
  }
}

/** The probe of every backend on this host. Never throws: an addon that cannot be loaded is a finding like any other. */
export function probeBackends(labels: readonly BackendLabel[] = BACKENDS): ProbeRecord[] {
  return labels.map((label) => {
    try {
      const { backend, available, reason, remedy, checks } = backendFor(label, 1).probe()
      return {
        label,
        backend,
        available,
        reason,
        ...(remedy === undefined ? {} : { remedy }),
        checks: checks.map((check) => ({
          name: check.name,
          ok: check.ok,
          found: check.found,
          ...(check.remedy === undefined ? {} : { remedy: check.remedy }),
        })),
      }
    } catch (error) {
      return { label, backend: label, available: false, reason: messageOf(error), checks: [] }
    }
  })
}

/**
 * Which backends a run measures.
 * @param asked - backends that the user named; undefined = all that work here
 * @param all - backends of the command
 * @returns those that run, and a sentence for each that does not
 * @throws BenchFailure when one that was asked for by name does not work here, or when none does
 */
export function selectBackends(
  asked: readonly BackendLabel[] | undefined,
  probes: readonly ProbeRecord[],
  all: readonly BackendLabel[] = BACKENDS,
): { backends: BackendLabel[]; notes: string[] } {
  const backends: BackendLabel[] = []
  const notes: string[] = []
  for (const label of asked ?? all) {
    const probe = probes.find((one) => one.label === label)
    if (probe?.available === true) {
      backends.push(label)
      continue
    }
    const why = `${label} does not work here: ${probe?.reason ?? 'it was not probed'}${probe?.remedy === undefined ? '' : ` ${probe.remedy}`}`
    if (asked !== undefined) throw new BenchFailure(why)
    notes.push(`Left out: ${why}`)
  }
  if (backends.length === 0) throw new BenchFailure(`No backend works here. ${notes.join(' ')} See what is missing: pnpm bench doctor.`)
  return { backends, notes }
}
