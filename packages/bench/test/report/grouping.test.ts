import { describe, expect, it } from 'vitest'
import { type BenchRecord, recordSchema } from '../../src/record/record.js'
import { WIRE_DEFAULTS } from '../../src/record/wire-settings.js'
import { groupRecords, machineOf } from '../../src/report/environment.js'
import { reportPage } from '../../src/report/page.js'
import { syntheticMachineModel, syntheticRecord, syntheticSweep } from './synthetic-records.js'

const small = (): BenchRecord => syntheticSweep({ backends: ['errqueue-recvmsg', 'uring'], rounds: 2, intervals: [1] })

function on(host: Partial<BenchRecord['host']>, over: Partial<BenchRecord> = {}): BenchRecord {
  const base = small()
  return recordSchema.parse({ ...base, ...over, host: { ...base.host, ...host } })
}

describe('grouping of records', () => {
  it('puts records of one host, kernel, path and machine model together, in the order of their commands and starts', () => {
    const late = { ...small(), startedAt: '2026-01-03T00:00:00.000Z' }
    const groups = groupRecords([syntheticRecord('peers', small().rows), late, small()])
    expect(groups).toHaveLength(1)
    expect(groups[0]?.records.map((record) => `${record.command} ${record.startedAt.slice(8, 10)}`)).toEqual([
      'sweep 02',
      'sweep 03',
      'peers 02',
    ])
  })

  it.each([
    ['processor', on({ cpuModel: 'another' })],
    ['number of CPUs', on({ cpuCount: 4 })],
    ['kernel', on({ kernel: '6.13.0 #1' })],
    ['path', on({}, { path: { kind: 'remote', host: 'b', senderCpu: 0, receiverCpu: null } })],
    ['wire', on({}, { path: { kind: 'wire', host: null, senderCpu: 0, receiverCpu: 1, wire: WIRE_DEFAULTS } })],
    ['round trip', on({}, { path: { kind: 'wire', host: null, senderCpu: 0, receiverCpu: 1, wire: { ...WIRE_DEFAULTS, rttUs: 100 } } })],
    ['machine model', syntheticMachineModel('throughput')],
    ['loopback, one that does not copy', { ...small(), options: { ...small().options, loopbackWithoutCopy: true } }],
  ])('keeps a record of another %s apart', (_what, other) => {
    expect(groupRecords([small(), other])).toHaveLength(2)
  })

  it('never mixes machine models with each other or with native, and puts native first', () => {
    const groups = groupRecords([syntheticMachineModel('throughput'), syntheticMachineModel('instructions'), small()])
    expect(groups.map((group) => [group.model, group.emulated])).toEqual([
      ['native', false],
      ['instructions', true],
      ['throughput', true],
    ])
  })

  it('reads the machine model from the options, from a note, or from an emulated processor’s name', () => {
    expect(machineOf(syntheticMachineModel('instructions')).model).toBe('instructions')
    expect(machineOf({ ...small(), notes: ['Machine model: throughput, pti=on.'] })).toEqual({ model: 'throughput', details: 'pti on' })
    expect(machineOf(on({ cpuModel: 'QEMU TCG CPU version 2.5+' })).model).toContain('emulated')
    expect(machineOf(small()).model).toBe('native')
  })

  it('tells page-table isolation on from off', () => {
    const pti = (state: string): BenchRecord => ({ ...small(), notes: [`machine model throughput, pti=${state}`] })
    expect(groupRecords([pti('on'), pti('off')])).toHaveLength(2)
    const option = (state: string): BenchRecord => ({ ...small(), options: { machineModel: 'throughput', pti: state } })
    expect(groupRecords([option('on'), option('off')]).map(({ title }) => title)).toEqual([
      expect.stringContaining('(pti off)'),
      expect.stringContaining('(pti on)'),
    ])
  })

  it('gives each group a titled section of its own in the page', () => {
    const page = reportPage([small(), syntheticMachineModel('instructions')])
    expect(page.match(/<h2 /gu)).toHaveLength(2)
    expect(page.match(/Measured in a virtual machine/gu)).toHaveLength(1)
  })
})
