import { describe, expect, it } from 'vitest'
import { type ConformanceOptions, conformance } from '../conformance/index.js'
import { memory } from '../src/testing/memory-backend.js'
import { memoryConformance } from './memory-modes.js'

/** The registrations of the suite: the names of tests and of skipped tests. */
function registered(change: (options: ConformanceOptions) => ConformanceOptions): { tests: string[]; skipped: string[] } {
  const tests: string[] = []
  const skipped: string[] = []
  const framework = {
    describe: (_name: string, body: () => void) => body(),
    it: Object.assign((name: string) => tests.push(name), { skip: (name: string) => skipped.push(name) }),
  }
  const options = memoryConformance(memory(), 'stream', { name: 'registered', options: {}, outcomes: ['zerocopy'] })
  const changed = change({ ...framework, ...options })
  conformance(changed)
  return { tests, skipped }
}

function withoutInject({ inject: _, ...options }: ConformanceOptions): ConformanceOptions {
  return options
}

describe('the suite', () => {
  it('leaves out what needs faults where none can be injected, and skips nothing for it', () => {
    const whole = registered((options) => options)
    const without = registered(withoutInject)
    expect(whole.skipped).toEqual([])
    expect(without.skipped).toEqual([])
    expect(without.tests.length).toBeLessThan(whole.tests.length)
    expect(without.tests.length).toBeGreaterThan(50)
  })

  it('shows a promise that the backend author skips, with the reason', () => {
    const { skipped } = registered((options) => ({ ...options, skip: { abort: 'no such call' } }))
    expect(skipped.length).toBeGreaterThan(0)
    for (const name of skipped) expect(name).toMatch(/ \(skipped: no such call\)$/)
  })
})
