import { readFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { type CounterEvent, type CounterScope, PerfCounter } from '@sendzc/socket'
import { messageOf } from '../cli/failure.js'
import type { ProcessorUse } from '../record/record.js'

/** One clock tick of /proc, in microseconds: USER_HZ is 100 wherever Node.js runs (time(7)). */
const TICK_US = 10_000

/** Name of a machine model of `vm/`: QEMU's virtual clock goes on by one nanosecond per instruction (-icount shift=0). */
const COUNTING_MODEL = 'instructions'

const COUNTERS = [
  ['cycles', 'process'],
  ['cycles', 'cpus'],
  ['instructions', 'process'],
  ['instructions', 'cpus'],
] as const satisfies readonly (readonly [CounterEvent, CounterScope])[]

type CounterKey = `${(typeof COUNTERS)[number][0]} ${CounterScope}`

/**
 * The work of the processors during a measurement: cycles and instructions where the machine counts them, the time that all CPUs
 * are busy everywhere. A count that the machine does not have is null, and {@link ProcessorMeter.notes} says why.
 */
export class ProcessorMeter implements Disposable {
  /** A sentence per source, and one per count that this machine does not have. */
  readonly notes: string[] = []
  readonly #counters = new Map<CounterKey, PerfCounter>()
  readonly #before = new Map<CounterKey, number>()
  readonly #countsInstructions: boolean
  #busyBeforeUs: number | null = null

  /** Opens every counter of this machine. Never throws for a missing one. */
  constructor(machineModel: string | undefined = process.env.SENDZC_MACHINE_MODEL) {
    // With several processors, each one's clock also goes on while another executes.
    this.#countsInstructions = machineModel === COUNTING_MODEL && cpus().length === 1
    const missing = new Map<string, string[]>()
    for (const [event, scope] of COUNTERS) {
      try {
        this.#counters.set(`${event} ${scope}`, PerfCounter.open(event, scope))
      } catch (error) {
        const { cause, what } = unavailable(error, `${event} of ${scope}`)
        missing.set(cause, [...(missing.get(cause) ?? []), what])
      }
    }
    this.notes.push('CPU: user and kernel mode of the sending process (getrusage). All CPUs: time not idle of every CPU (/proc/stat).')
    if (this.#counters.size > 0) this.notes.push('Cycles: hardware counters in user and kernel mode (perf_event_open).')
    if (this.#countsInstructions)
      this.notes.push('Instructions: one per nanosecond of the virtual clock (-icount shift=0), by way of the CPU times.')
    for (const [cause, what] of missing) this.notes.push(`Not counted here: ${what.join(', ')}: ${cause}`)
  }

  /** To be called just before the measurement. */
  start(): void {
    for (const [key, counter] of this.#counters) this.#before.set(key, counter.read())
    this.#busyBeforeUs = busyUs()
  }

  /**
   * To be called just after the measurement.
   * @param cpuUs - CPU time of the process meanwhile, in microseconds
   */
  stop(cpuUs: number): ProcessorUse {
    const now = busyUs()
    const busy = now === null || this.#busyBeforeUs === null ? null : now - this.#busyBeforeUs
    const counted = (key: CounterKey): number | null => {
      const counter = this.#counters.get(key)
      return counter === undefined ? null : Math.round(counter.read() - (this.#before.get(key) ?? 0))
    }
    const instructions = { own: counted('instructions process'), all: counted('instructions cpus') }
    const fromHardware = instructions.own !== null || instructions.all !== null
    const fromClock = !fromHardware && this.#countsInstructions
    return {
      busyUs: busy,
      cycles: counted('cycles process'),
      allCycles: counted('cycles cpus'),
      instructions: fromClock ? cpuUs * 1_000 : instructions.own,
      allInstructions: fromClock ? (busy === null ? null : busy * 1_000) : instructions.all,
      instructionsFrom: fromHardware ? 'perf' : fromClock ? 'icount' : null,
    }
  }

  [Symbol.dispose](): void {
    for (const counter of this.#counters.values()) counter.close()
    this.#counters.clear()
  }
}

/** The message of a counter that cannot be opened, taken apart: several fail for the same cause. */
function unavailable(error: unknown, otherwise: string): { what: string; cause: string } {
  const found = /^Failed counting ([^:]+): (.*)$/u.exec(messageOf(error))
  return { what: found?.[1] ?? otherwise, cause: found?.[2] ?? messageOf(error) }
}

/** Time since boot that all CPUs were neither idle nor taken by the hypervisor, in microseconds; null where /proc does not have it. */
function busyUs(): number | null {
  try {
    const line = readFileSync('/proc/stat', 'utf8').split('\n', 1)[0] ?? ''
    const [user, nice, system, , , irq, softirq] = line.trim().split(/\s+/u).slice(1).map(Number)
    const ticks = (user ?? Number.NaN) + (nice ?? 0) + (system ?? 0) + (irq ?? 0) + (softirq ?? 0)
    return Number.isFinite(ticks) ? ticks * TICK_US : null
  } catch {
    return null
  }
}
