import { describe, expect, it } from 'vitest'
import { type HeapGrowth, heapFault } from '../src/tables/heap-table.js'

const SENDS = 1_000_000
/** An object of 16 bytes for each send. */
const OBJECT_PER_SEND = 16 * SENDS

function growth(changed: Partial<HeapGrowth>): HeapGrowth {
  return { sends: SENDS, allocatedBytes: 300_000, retainedBytes: 2_000, collections: 0, externalBytes: 0, waits: 0, ...changed }
}

describe('what bench heap finds wrong', () => {
  it('is nothing where what was allocated is less than a byte per send', () => {
    expect(heapFault(growth({}))).toBeUndefined()
    expect(heapFault(growth({ retainedBytes: -5_000 }))).toBeUndefined()
  })

  it('is not what the waits of the benchmark allocate', () => {
    expect(heapFault(growth({ allocatedBytes: 1_400_000 }))).toContain('1.40 bytes are allocated per send, with 0 waits')
    expect(heapFault(growth({ allocatedBytes: 1_400_000, waits: 174 }))).toBeUndefined()
  })

  it('is an object per send, also beside waits', () => {
    expect(heapFault(growth({ allocatedBytes: OBJECT_PER_SEND, waits: 174 }))).toContain('16.00 bytes are allocated per send')
  })

  it('is that waits are so many that they could hide an object per send', () => {
    expect(heapFault(growth({ allocatedBytes: OBJECT_PER_SEND, waits: 5_000 }))).toContain('not judged: 5000 waits')
  })

  it('is memory that stays, and a collection that hides what was allocated', () => {
    expect(heapFault(growth({ retainedBytes: OBJECT_PER_SEND, waits: 174 }))).toContain('16.00 bytes are retained per send')
    expect(heapFault(growth({ collections: 1 }))).toContain('not judged: 1 collections ran')
  })
})
