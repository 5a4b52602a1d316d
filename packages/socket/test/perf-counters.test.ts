import { expect, test } from 'vitest'
import { PerfCounter } from '../src/index.js'

/** Burns CPU time, as much as the process's own clock says. */
function burn(ms: number): void {
  const before = process.cpuUsage()
  let used = 0
  while (used < ms * 1_000) {
    const { user, system } = process.cpuUsage(before)
    used = user + system
  }
}

test('counts the CPU time of this process, as the process itself does', () => {
  using counter = PerfCounter.open('task-clock', 'process')
  const [first, before] = [counter.read(), process.cpuUsage()]
  burn(60)
  const counted = counter.read() - first
  const { user, system } = process.cpuUsage(before)
  // Other threads of the runner count on both sides; a factor of two distinguishes nanoseconds from other units.
  expect(counted / 1_000).toBeGreaterThan((user + system) * 0.5)
  expect(counted / 1_000).toBeLessThan((user + system) * 2)
})

test('is closed once, and then refuses', () => {
  const counter = PerfCounter.open('task-clock', 'process')
  counter.close()
  counter.close()
  expect(() => counter.read()).toThrow(expect.objectContaining({ code: 'ERR_ZC_CLOSED' }))
})

test('counts cycles, or says that this machine does not', () => {
  for (const scope of ['process', 'cpus'] as const) {
    try {
      using counter = PerfCounter.open('cycles', scope)
      const before = counter.read()
      burn(20)
      expect(counter.read()).toBeGreaterThan(before)
    } catch (error) {
      expect(error).toMatchObject({ syscall: 'perf_event_open', code: expect.stringMatching(/^ERR_ZC_(BACKEND_UNAVAILABLE|PERMISSION)$/u) })
    }
  }
})
