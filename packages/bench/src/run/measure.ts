import { Bench } from 'tinybench'
import { BenchFailure, ExitStatus } from '../cli/failure.js'
import { difference, type Load, type LoadTotals } from '../loads/load.js'
import type { ProcessorMeter } from '../machine/processor-meter.js'
import type { ProcessorUse } from '../record/record.js'

/** Sends of one tinybench iteration: enough that its two clock readings and its await vanish beside them. */
export const SENDS_PER_ITERATION = 64

/** What one cell did in one round. */
export interface Measurement extends LoadTotals {
  /** Sum of tinybench's samples, in seconds. */
  seconds: number
  cpuUserUs: number
  cpuSystemUs: number
  /** Only with a meter. */
  processor?: ProcessorUse
}

/**
 * Measures a load with tinybench: one task, whose iteration is a number of whole bursts, run until `runtimeMs` of samples are in.
 * It begins with a fresh load, as the kernel's selftest does: a warm-up of its own would have to be drained, and on TCP the last bytes
 * wait for a delayed acknowledgement (40 ms). Notifications that arrive after the clock has stopped are awaited and counted, but not
 * timed, as the selftest does, too.
 * @param load - open, with nothing in flight; stays the caller's
 * @param interval - sends of one burst
 * @param runtimeMs - time budget, in ms
 * @param meter - what else is read just before and after
 * @throws what the load throws
 */
export async function measure(load: Load, interval: number, runtimeMs: number, meter?: ProcessorMeter): Promise<Measurement> {
  const sendsPerIteration = interval * Math.ceil(SENDS_PER_ITERATION / interval)
  let before = load.totals()
  let cpuBefore = process.cpuUsage()
  let cpu = { user: 0, system: 0 }
  let timed: LoadTotals | undefined
  let processor: ProcessorUse | undefined
  const bench = new Bench({
    time: runtimeMs,
    iterations: 1,
    warmup: false,
    timestampProvider: 'hrtimeNow',
    throws: true,
    setup: () => {
      before = load.totals()
      meter?.start()
      cpuBefore = process.cpuUsage()
    },
    teardown: async () => {
      cpu = process.cpuUsage(cpuBefore)
      processor = meter?.stop(cpu.user + cpu.system)
      timed = load.totals()
      await load.drain()
    },
  })
  bench.add('load', () => load.run(sendsPerIteration), { async: true })
  const [task] = await bench.run()
  const result = task?.result
  if (result?.state !== 'completed' || timed === undefined) {
    throw new BenchFailure(`The measurement did not complete (${result?.state ?? 'no task'}).`, ExitStatus.Failed)
  }
  return {
    ...joined(difference(timed, before), difference(load.totals(), before)),
    seconds: result.totalTime / 1_000,
    cpuUserUs: cpu.user,
    cpuSystemUs: cpu.system,
    ...(processor === undefined ? {} : { processor }),
  }
}

/** What was timed, with the outcomes of those same sends, some of which were reported only after the clock had stopped. */
function joined(timed: LoadTotals, drained: LoadTotals): LoadTotals {
  return {
    ...timed,
    zerocopySends: drained.zerocopySends,
    copiedSends: drained.copiedSends,
    driver: {
      ...timed.driver,
      notifications: drained.driver.notifications,
      notifiedIds: drained.driver.notifiedIds,
    },
  }
}
