import { describe, expect, it } from 'vitest'
import type { Conditions, Row } from '../src/record/record.js'
import { ConditionsMeter, conditionNotes } from '../src/run/conditions.js'
import { row } from './rows.js'

const quiet: Conditions = { stolenShare: 0, waitedShare: 0, frequencyMhz: 3_000 }

function rounds(backend: Row['backend'], conditions: Partial<Conditions>): Row[] {
  return [0, 1, 2].map((round) => row({ backend, round, conditions: { ...quiet, ...conditions } }))
}

describe('what the machine did to a row', () => {
  it('is read from this one, within its bounds', () => {
    const meter = new ConditionsMeter(null)
    meter.start()
    for (const end = performance.now() + 30; performance.now() < end; );
    const { stolenShare, waitedShare, frequencyMhz } = meter.stop()
    for (const share of [stolenShare, waitedShare]) {
      expect(share ?? 0).toBeGreaterThanOrEqual(0)
      expect(share ?? 0).toBeLessThanOrEqual(1)
    }
    if (frequencyMhz !== null) expect(frequencyMhz).toBeGreaterThan(100)
  })

  it('is no reason for a warning while it is the same for all', () => {
    expect(conditionNotes([...rounds('uring', { stolenShare: 0.2 }), ...rounds('copy', { stolenShare: 0.2 })])).toEqual([])
    expect(conditionNotes([row(), row({ conditions: { stolenShare: null, waitedShare: null, frequencyMhz: null } })])).toEqual([])
  })

  it('is one where it could explain the difference of two cells that are compared', () => {
    const [note, ...others] = conditionNotes([...rounds('uring', { stolenShare: 0.1, waitedShare: 0.1 }), ...rounds('copy', {})])
    expect(others).toEqual([])
    expect(note).toMatch(/^WARNING: .* took 20 % of the time of ".* uring driver" and 0 % of that of ".* copy driver"/u)
    expect(note).toContain('that alone can make 20 %. So it stands in 1 of 1 comparisons.')
  })

  it('is none for cells that nobody compares', () => {
    const apart = rounds('copy', { waitedShare: 0.5 }).map((one) => ({ ...one, interval: 32 }))
    expect(conditionNotes([...rounds('uring', {}), ...apart])).toEqual([])
  })

  it('names the frequencies between which it lay', () => {
    const [note] = conditionNotes([...rounds('uring', { frequencyMhz: 2_000 }), ...rounds('copy', { frequencyMhz: 3_000 })])
    expect(note).toMatch(/^WARNING: the CPU's frequency lay between 2000 and 3000 MHz .* 40 % may be its doing\.$/u)
  })
})
