import { expect, it } from 'vitest'
import { type DoctorProbe, doctorProbes, doctorReport, zerocopyWorks } from '../src/doctor.js'

const works = (label: string): DoctorProbe => ({ label, available: true, reason: 'works', checks: [] })
const lacks = (label: string): DoctorProbe => ({
  label,
  available: false,
  reason: 'io_uring is disabled.',
  remedy: 'sysctl -w kernel.io_uring_disabled=0',
  checks: [{ name: 'kernel.io_uring_disabled', ok: false, found: '2', remedy: 'sysctl -w kernel.io_uring_disabled=0' }],
})

it('the report has a verdict for each backend, each check, and each remedy once', () => {
  expect(doctorReport([works('copy'), lacks('uring')])).toEqual([
    'backend  works  why',
    '-------  -----  ---------------------',
    'copy     yes    works',
    'uring    no     io_uring is disabled.',
    '',
    'backend  ok  check                     found',
    '-------  --  ------------------------  -----',
    'uring    NO  kernel.io_uring_disabled  2',
    '',
    'What to do:',
    '  - sysctl -w kernel.io_uring_disabled=0',
    '',
    'No zero-copy backend works here; copy() does the sending.',
  ])
})

it('the report says where not even a copy can be sent', () => {
  expect(doctorReport([lacks('copy'), lacks('uring')]).at(-1)).toBe('No backend works here.')
  expect(doctorReport([works('errqueue')]).at(-1)).toBe('Zero-copy sends work here.')
})

it('every backend is probed on this host, and copy() works', () => {
  const probes = doctorProbes()
  expect(probes.map(({ label }) => label)).toEqual(['uring', 'inline', 'errqueue', 'copy'])
  expect(probes.find(({ label }) => label === 'copy')?.available).toBe(true)
  expect(zerocopyWorks([works('copy')])).toBe(false)
})
