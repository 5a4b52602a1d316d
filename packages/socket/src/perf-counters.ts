import { readdirSync, readFileSync } from 'node:fs'
import { ZeroCopyError } from '@sendzc/core'
import { NativeEvent, native } from './native.js'
import { systemError } from './system-error.js'

const EAGAIN = 11
const EACCES = 13
const ENOENT = 2
const EPERM = 1
const ESRCH = 3

/** The events that can be counted: `task-clock` is CPU time in nanoseconds, which every kernel with perf counts. */
export type CounterEvent = keyof typeof NativeEvent

/** The scope of a count: all threads of this process and those that they start, or everything on every CPU. */
export type CounterScope = 'process' | 'cpus'

/**
 * Counts an event in user and kernel mode, from the opening on. Source: perf_event_open(2).
 * It owns descriptors: closed by {@link PerfCounter.close} and by `using`.
 */
export class PerfCounter implements Disposable {
  readonly #fds: number[]

  private constructor(fds: number[]) {
    this.#fds = fds
  }

  /**
   * @throws ZeroCopyError ERR_ZC_BACKEND_UNAVAILABLE where this machine has no such counter (most virtual machines have none);
   *   ERR_ZC_PERMISSION where kernel.perf_event_paranoid forbids it; the answer covers the whole scope or fails
   */
  static open(event: CounterEvent, scope: CounterScope): PerfCounter {
    const fds: number[] = []
    const places = scope === 'cpus' ? onlineCpus().map((cpu) => [-1, cpu] as const) : threads().map((thread) => [thread, -1] as const)
    for (const [thread, cpu] of places) {
      const fd = native().openPerfCounter(NativeEvent[event], thread, cpu)
      // A thread that has ended meanwhile counts no more.
      if (fd === -ESRCH && scope === 'process') continue
      if (fd >= 0) {
        fds.push(fd)
        continue
      }
      for (const one of fds) native().close(one)
      throw openError(fd, event, scope)
    }
    return new PerfCounter(fds)
  }

  /**
   * The count since the opening, over all threads or CPUs.
   * @throws ZeroCopyError ERR_ZC_CLOSED; ERR_ZC_LIMIT where other users of the hardware's counters left it no time at all
   */
  read(): number {
    if (this.#fds.length === 0) throw new ZeroCopyError('ERR_ZC_CLOSED', 'The counter is closed.')
    let sum = 0
    for (const fd of this.#fds) {
      const value = native().readPerfCounter(fd)
      if (value < 0) throw readError(value)
      sum += value
    }
    return sum
  }

  /** Idempotent. */
  close(): void {
    for (const fd of this.#fds.splice(0)) native().close(fd)
  }

  [Symbol.dispose](): void {
    this.close()
  }
}

function openError(result: number, event: CounterEvent, scope: CounterScope): ZeroCopyError {
  const doing = `counting ${event} of ${scope === 'cpus' ? 'all CPUs' : 'the process'}`
  if (result === -EACCES || result === -EPERM) {
    return systemError(result, 'perf_event_open', {
      doing,
      code: 'ERR_ZC_PERMISSION',
      why: 'kernel.perf_event_paranoid forbids it',
      remedy: `sysctl -w kernel.perf_event_paranoid=${scope === 'cpus' ? '0' : '1'}, or give the process CAP_PERFMON.`,
    })
  }
  const missing = result === -ENOENT ? { code: 'ERR_ZC_BACKEND_UNAVAILABLE' as const, why: 'this machine does not count it (ENOENT)' } : {}
  return systemError(result, 'perf_event_open', { doing, ...missing })
}

function readError(result: number): ZeroCopyError {
  const starved = result === -EAGAIN ? { code: 'ERR_ZC_LIMIT' as const, why: 'other users of the hardware counters left it no time' } : {}
  return systemError(result, 'read', { doing: 'reading a perf counter', ...starved })
}

/** Threads of this process (proc(5), /proc/pid/task). */
function threads(): number[] {
  return readdirSync('/proc/self/task').map(Number)
}

/** CPUs that are on, from /sys (Documentation/admin-guide/cputopology.rst): `0-3,5`. */
function onlineCpus(): number[] {
  const cpus: number[] = []
  for (const range of readFileSync('/sys/devices/system/cpu/online', 'utf8').trim().split(',')) {
    const [first = Number.NaN, last = first] = range.split('-').map(Number)
    for (let cpu = first; cpu <= last; cpu++) cpus.push(cpu)
  }
  return cpus
}
