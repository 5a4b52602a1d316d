import { parseOptions } from '@sendzc/core/driver'
import { z } from 'zod'
import { native } from './native.js'
import { systemError } from './system-error.js'

const cpu = z.int().min(0).max(8_191)
const cpusSchema = z.union([cpu, z.array(cpu).min(1).max(8_192)])
/** Number of a CPU, or several of them. */
export type Cpus = z.input<typeof cpusSchema>

function pin(what: 'pinThread' | 'pinProcess', cpus: Cpus): void {
  const parsed = parseOptions(cpusSchema, cpus, what)
  const list = typeof parsed === 'number' ? [parsed] : parsed
  const result = native()[what](list)
  if (result === 0) return
  throw systemError(result, 'sched_setaffinity', {
    doing: `pinning to CPU ${list.join(', ')}`,
    ...(result === -22
      ? { code: 'ERR_ZC_INVALID_OPTION' as const, why: `the process may only use CPU ${allowedCpus().join(', ')} (EINVAL)` }
      : {}),
  })
}

/**
 * Pins the calling thread (the main thread, or the worker that calls) to `cpus` (sched_setaffinity(2)).
 * @throws ZeroCopyError ERR_ZC_INVALID_OPTION for a CPU that does not exist or is not allowed
 */
export function pinThread(cpus: Cpus): void {
  pin('pinThread', cpus)
}

/**
 * Pins every thread of this process to `cpus`, those of libuv and V8 included; later threads and children inherit it.
 * @throws ZeroCopyError ERR_ZC_INVALID_OPTION for a CPU that does not exist or is not allowed
 */
export function pinProcess(cpus: Cpus): void {
  pin('pinProcess', cpus)
}

/** CPUs that the calling thread may run on, in ascending order (sched_getaffinity(2)). */
export function allowedCpus(): number[] {
  const cpus = native().allowedCpus()
  if (typeof cpus !== 'number') return cpus
  throw systemError(cpus, 'sched_getaffinity', { doing: 'reading the allowed CPUs' })
}
