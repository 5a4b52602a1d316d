import { Bench } from 'tinybench'
import { BenchFailure, ExitStatus } from './failure.js'
import { difference, type Load, type LoadTotals } from './load.js'

/** Sends of one tinybench iteration: enough that its two clock readings and its await vanish beside them. */
export const SENDS_PER_ITERATION = 64

/** Iterations before the clock starts, in each round: fills the socket's buffers, opens TCP's window. */
export const WARMUP_ITERATIONS = 2

/** What one cell did in one round. */
export interface Measurement extends LoadTotals {
  /** Sum of tinybench's samples, in seconds. */
  seconds: number
  cpuUserUs: number
  cpuSystemUs: number
}

/**
 * Measures a load with tinybench: one task, whose iteration is a number of whole bursts, run until `runtimeMs` of samples are in.
 * Notifications that arrive after the clock has stopped are awaited and counted, but not timed, as the kernel's selftest does.
 * @param load - open; stays the caller's
 * @param interval - sends of one burst
 * @param runtimeMs - time budget, in ms
 * @throws what the load throws
 */
export async function measure(load: Load, interval: number, runtimeMs: number): Promise<Measurement> {
  const sendsPerIteration = interval * Math.ceil(SENDS_PER_ITERATION / interval)
  let before = load.totals()
  let cpuBefore = process.cpuUsage()
  let cpu = { user: 0, system: 0 }
  let timed: LoadTotals | undefined
  const bench = new Bench({
    time: runtimeMs,
    iterations: 1,
    warmupIterations: WARMUP_ITERATIONS,
    warmupTime: 0,
    timestampProvider: 'hrtimeNow',
    throws: true,
    setup: async (_task, mode) => {
      if (mode === 'warmup') return
      await load.drain()
      before = load.totals()
      cpuBefore = process.cpuUsage()
    },
    teardown: async (_task, mode) => {
      if (mode === 'warmup') return
      cpu = process.cpuUsage(cpuBefore)
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
