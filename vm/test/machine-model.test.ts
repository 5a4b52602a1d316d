import { describe, expect, it } from 'vitest'
import { defaultGuestOptions, type GuestOptions } from '../src/arguments.js'
import { type Accelerator, kernelCommandLine, lateProcessors, qemuArguments } from '../src/machine-model.js'

const machine = {
  kernelImage: '/k/bzImage',
  runFolder: '/run,folder',
  init: '/i/init',
  outputFolder: '/o,ut',
  channels: { control: 3, stdout: 4, stderr: 5 },
}

function line(guest: Partial<GuestOptions>, accelerator: Accelerator = 'tcg'): string {
  return qemuArguments({ ...defaultGuestOptions, ...guest }, { ...machine, accelerator }).join(' ')
}

describe('qemuArguments', () => {
  it('counts instructions in one model only, on one processor', () => {
    expect(line({ model: 'instructions', cpus: 1 })).toMatch(/-accel tcg,thread=single -icount shift=\d+,.* -smp 1 /)
    expect(line({ model: 'throughput' })).toContain('-accel tcg,thread=multi')
    expect(line({ model: 'throughput' })).not.toContain('-icount')
    expect(line({ model: 'native' }, 'kvm')).toContain('-accel kvm -cpu host')
  })

  it('shares the root read-only and nothing but the output folder writable', () => {
    const shares = line({}).match(/local,\S+/g)
    expect(shares).toEqual([
      'local,id=root,path=/,security_model=none,multidevs=remap,readonly=on',
      'local,id=output,path=/o,,ut,security_model=none,multidevs=remap',
    ])
  })

  it('has network devices only when asked, with the virtio-net header', () => {
    expect(line({})).not.toContain('net')
    expect(line({ net: true }).match(/tap,\S+vnet_hdr=on/g)).toHaveLength(2)
  })

  it('connects three channels', () => {
    expect(line({}).match(/socket,id=(\w+),fd=(\d)/g)).toEqual(['socket,id=control,fd=3', 'socket,id=stdout,fd=4', 'socket,id=stderr,fd=5'])
  })
})

describe('kernelCommandLine', () => {
  const commandLine = (pti: 'on' | 'off', cpus: number, accelerator: Accelerator) =>
    kernelCommandLine({ pti, cpus }, { ...machine, accelerator })

  it('chooses page-table isolation and ends at the first oops', () => {
    expect(commandLine('on', 2, 'tcg')).toContain(' pti=on ')
    expect(commandLine('off', 2, 'tcg')).toContain(' pti=off ')
    expect(commandLine('off', 2, 'tcg')).toContain('oops=panic panic=-1')
  })

  it('boots an emulated machine on one processor, and leaves the others to the first program', () => {
    expect(commandLine('off', 2, 'tcg')).toContain('maxcpus=1 noreplace-smp')
    expect(lateProcessors(3, 'tcg')).toEqual([1, 2])
    for (const [cpus, accelerator] of [
      [1, 'tcg'],
      [2, 'kvm'],
    ] as const) {
      expect(commandLine('off', cpus, accelerator)).not.toContain('maxcpus')
      expect(lateProcessors(cpus, accelerator)).toEqual([])
    }
  })
})
