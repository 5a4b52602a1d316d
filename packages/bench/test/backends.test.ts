import { describe, expect, it } from 'vitest'
import { selectBackends } from '../src/machine/backends.js'
import type { ProbeRecord } from '../src/record/record.js'

const works = (label: string): ProbeRecord => ({ label, backend: label, available: true, reason: 'works', checks: [] })
const lacks = (label: string): ProbeRecord => ({
  label,
  backend: label,
  available: false,
  reason: 'io_uring is disabled.',
  remedy: 'sysctl -w kernel.io_uring_disabled=0',
  checks: [{ name: 'kernel.io_uring_disabled', ok: false, found: '2', remedy: 'sysctl -w kernel.io_uring_disabled=0' }],
})

describe('selection of backends', () => {
  it('takes what works, and says of each other why not', () => {
    expect(selectBackends(undefined, [works('copy'), lacks('uring')])).toEqual({
      backends: ['copy'],
      notes: expect.arrayContaining(['Left out: uring does not work here: io_uring is disabled. sysctl -w kernel.io_uring_disabled=0']),
    })
  })

  it('refuses one that was asked for by name and does not work', () => {
    expect(() => selectBackends(['copy', 'uring'], [works('copy'), lacks('uring')])).toThrow('uring does not work here')
  })

  it('refuses to run with none', () => {
    expect(() => selectBackends(undefined, [lacks('uring')])).toThrow('No backend works here')
  })
})
