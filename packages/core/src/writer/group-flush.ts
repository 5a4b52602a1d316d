import type { Driver } from '../driver/driver.js'
import { runAsMicrotask } from './microtask.js'

const scheduled = new WeakSet<object>()

/**
 * Flushes a shared queue once, after the microtasks that are queued now: every writer that was given work in this turn has
 * submitted by then, so that one system call serves them all.
 */
export function scheduleGroupFlush(group: object, driver: Driver): void {
  if (scheduled.has(group)) return
  scheduled.add(group)
  runAsMicrotask(() => {
    scheduled.delete(group)
    driver.flush()
  })
}
