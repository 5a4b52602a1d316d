import { STALL_TIMEOUT_MS } from '../loads/load.js'
import type { RpcClient } from './rpc-client.js'

/** Calls of one measurement. */
export interface Calls {
  /** Time of each call, in microseconds. */
  us: number[]
  /** Whether the call was a large one. */
  large: boolean[]
  sends: number
  bytes: number
  seconds: number
  cpuUserUs: number
  cpuSystemUs: number
}

/**
 * Makes one call after the other until `runtimeMs` has passed.
 * @param sizes - true for each large request
 */
export async function callFor(client: RpcClient, sizes: Generator<boolean, never>, runtimeMs: number): Promise<Calls> {
  const us: number[] = []
  const large: boolean[] = []
  let bytes = 0
  // One watchdog for all calls: a timer per call would cost more than the work of a small call.
  let answeredMs = performance.now()
  const watchdog = setInterval(() => {
    if (performance.now() - answeredMs > STALL_TIMEOUT_MS) client.giveUp()
  }, STALL_TIMEOUT_MS / 4)
  try {
    const cpuBefore = process.cpuUsage()
    const beginMs = performance.now()
    const endMs = beginMs + runtimeMs
    for (let now = beginMs; now < endMs; now = answeredMs) {
      const isLarge = sizes.next().value
      const size = isLarge ? client.largeBytes : client.smallBytes
      answeredMs = await client.call(size)
      us.push((answeredMs - now) * 1_000)
      large.push(isLarge)
      bytes += size
    }
    const cpu = process.cpuUsage(cpuBefore)
    return { us, large, sends: us.length, bytes, seconds: (answeredMs - beginMs) / 1_000, cpuUserUs: cpu.user, cpuSystemUs: cpu.system }
  } finally {
    clearInterval(watchdog)
  }
}
