import type { Driver } from '../driver/driver.js'
import { runAsMicrotask } from './microtask.js'

const scheduled = new WeakSet<object>()

/**
 * Flushes a shared queue once, after the microtasks that are queued now. By then every writer with work in this turn has
 * submitted its messages, so that one system call serves all of them.
 */
export function scheduleGroupFlush(group: object, driver: Driver): void {
  if (scheduled.has(group)) return
  scheduled.add(group)
  runAsMicrotask(() => {
    scheduled.delete(group)
    driver.flush()
  })
}
