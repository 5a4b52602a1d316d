import { afterEach, describe, expect, it, vi } from 'vitest'
import { emulationText, machineOptions } from '../src/machine/machine.js'
import { readRecord } from '../src/record/record-file.js'
import { groupRecords } from '../src/report/environment.js'
import { inFolderOfItsOwn, run } from './bench-run.js'

inFolderOfItsOwn()
afterEach(() => {
  vi.unstubAllEnvs()
})

const short = ['--backends', 'copy', '--runtime-ms', '5', '--rounds', '1', '--transports', 'tcp4', '--intervals', '8']

describe('the machine that a record was measured on', () => {
  it('is what vm run tells of its guest, and native elsewhere', async () => {
    expect(await machineOptions({})).toMatchObject({ machineModel: 'native', pti: null })
    const guest = { SENDZC_MACHINE_MODEL: 'instructions', SENDZC_VM_PTI: 'off' }
    expect(await machineOptions(guest)).toMatchObject({ machineModel: 'instructions', pti: 'off' })
  })

  it.each([
    ['sweep', ['--levels', 'driver']],
    ['sizes', ['--levels', 'driver', '--sizes', '4K']],
    ['lo', []],
  ])('stands in the record of bench %s and below its table, so that nobody takes one for the other', async (command, more) => {
    expect((await run([command, ...short, ...more, '--json', 'here.json'])).status).toBe(0)
    vi.stubEnv('SENDZC_MACHINE_MODEL', 'throughput')
    vi.stubEnv('SENDZC_VM_PTI', 'off')
    // The first run pinned this process, so that no second CPU would be found.
    const inGuest = await run([command, ...short, ...more, '--cpus', '0,1', '--json', 'guest.json'])
    expect(inGuest.status).toBe(0)
    const [here, guest] = [await readRecord('here.json'), await readRecord('guest.json')]
    expect(guest.options).toMatchObject({ machineModel: 'throughput', pti: 'off' })
    expect(emulationText(await machineOptions({}))).toBeUndefined()
    expect(here.notes.filter((note) => note.includes('EMULATED'))).toEqual([])
    expect(guest.notes).toContain('EMULATED, machine model throughput, pti off: not native figures.')
    expect(inGuest.stdout).toContain('EMULATED, machine model throughput, pti off: not native figures.')
    expect(groupRecords([here, guest]).map(({ model }) => model)).toEqual(['native', 'throughput'])
  })
})
